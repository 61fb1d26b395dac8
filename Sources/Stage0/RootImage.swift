internal import Bytes
internal import CPosixShim
package import FrameFormat

/// Puts the root image together again from its frames, in memory, on every core.
package enum RootImage {
  /// Gives a sealed memory file that holds the image. Every frame is checked against its SHA-256 before it is
  /// decompressed. With `consuming`, each frame's file is removed once used, which gives its memory back.
  package static func assemble(
    _ index: RootIndex, framesIn directory: String, threads: Int, consuming: Bool
  ) throws(Stage0Error) -> Int32 {
    let size = Int(index.imageSize)
    let file = netimg_memfd("netimg-root")
    guard file >= 0 else { throw Stage0Error(call: "cannot create the memory file for the root image") }
    do throws(Stage0Error) {
      guard ftruncate(file, off_t(size)) == 0 else {
        throw Stage0Error(call: "cannot reserve \(size) bytes for the root image")
      }
      try fill(file, size: size, index: index, directory: directory, threads: threads, consuming: consuming)
      guard netimg_seal(file) == 0 else { throw Stage0Error(call: "cannot seal the root image") }
    } catch {
      close(file)
      throw error
    }
    return file
  }

  private static func fill(
    _ file: Int32, size: Int, index: RootIndex, directory: String, threads: Int, consuming: Bool
  ) throws(Stage0Error) {
    let mapping = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    guard let mapping, mapping != UnsafeMutableRawPointer(bitPattern: -1) else {
      throw Stage0Error(call: "cannot map the root image (\(size) bytes)")
    }
    defer { munmap(mapping, size) }
    let job = AssemblyJob(
      index: index, directory: directory, consuming: consuming,
      output: UnsafeMutableRawBufferPointer(start: mapping, count: size))
    try job.run(threads: threads)
  }
}

/// The threads' shared state. The mutex owns `next` and `failure`; the frames' output ranges do not overlap.
private final class AssemblyJob {
  private let index: RootIndex
  private let directory: String
  private let consuming: Bool
  private let output: UnsafeMutableRawBufferPointer
  private let offsets: [Int]
  private let uses: [SHA256Digest: Int]
  private var mutex = pthread_mutex_t()
  private var next = 0
  private var failure: Stage0Error?

  init(index: RootIndex, directory: String, consuming: Bool, output: UnsafeMutableRawBufferPointer) {
    self.index = index
    self.directory = directory
    self.consuming = consuming
    self.output = output
    var offsets: [Int] = []
    var offset = 0
    var uses: [SHA256Digest: Int] = [:]
    for frame in index.frames {
      offsets.append(offset)
      offset += frame.size
      uses[frame.digest, default: 0] += 1
    }
    self.offsets = offsets
    self.uses = uses
    pthread_mutex_init(&mutex, nil)
  }

  func run(threads: Int) throws(Stage0Error) {
    var running: [pthread_t] = []
    // A thread that cannot start is no failure: this one does all the work that is left.
    for _ in 1..<max(1, min(threads, index.frames.count)) {
      var thread = pthread_t()
      let context = Unmanaged.passRetained(self)
      let status = pthread_create(
        &thread, nil,
        { context in
          guard let context else { return nil }
          Unmanaged<AssemblyJob>.fromOpaque(context).takeRetainedValue().work()
          return nil
        }, context.toOpaque())
      if status == 0 { running.append(thread) } else { context.release() }
    }
    work()
    for thread in running { pthread_join(thread, nil) }
    if let failure { throw failure }
  }

  private func work() {
    while true {
      pthread_mutex_lock(&mutex)
      let number = failure == nil ? next : index.frames.count
      next += 1
      pthread_mutex_unlock(&mutex)
      guard number < index.frames.count else { return }
      do throws(Stage0Error) {
        try restore(number)
      } catch {
        pthread_mutex_lock(&mutex)
        if failure == nil { failure = error }
        pthread_mutex_unlock(&mutex)
      }
    }
  }

  private func restore(_ number: Int) throws(Stage0Error) {
    let frame = index.frames[number]
    let path = "\(directory)/\(frame.digest.hex)"
    let file = netimg_open(path, O_RDONLY, 0)
    guard file >= 0 else {
      throw Stage0Error(call: "cannot open frame \(number + 1) of the root image (\(path))")
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, Int(status.st_size) == frame.storedSize else {
      throw Stage0Error(
        "frame \(number + 1) of the root image (\(path)) does not have its \(frame.storedSize) bytes")
    }
    let mapping = mmap(nil, frame.storedSize, PROT_READ, MAP_PRIVATE, file, 0)
    guard let mapping, mapping != UnsafeMutableRawPointer(bitPattern: -1) else {
      throw Stage0Error(call: "cannot read \(path)")
    }
    defer { munmap(mapping, frame.storedSize) }
    let slice = UnsafeMutableRawBufferPointer(
      rebasing: output[offsets[number]..<offsets[number] + frame.size])
    do {
      try FrameCodec.decompress(
        UnsafeRawBufferPointer(start: mapping, count: frame.storedSize), of: frame, into: slice)
    } catch {
      throw Stage0Error(error.message)
    }
    // A frame that stands at several places of the image may still be wanted by another thread.
    if consuming, uses[frame.digest] == 1 { unlink(path) }
  }
}
