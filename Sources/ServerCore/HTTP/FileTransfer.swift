internal import Glibc
internal import NIOCore
internal import NIOHTTP1

/// The body of one response that is a file: sent piece by piece by the kernel, straight from the page cache.
///
/// The last piece waits until the file is seen to be as it was when it was checked. If it is not, the connection is
/// cut, and the client has fewer bytes than it was promised: nobody takes them for good.
final class FileTransfer {
  /// How much is handed to the kernel at once. A client that takes longer than the patience for that is gone.
  static let pieceSize = 1 << 20
  /// Pieces that wait in the channel, so that it never runs dry.
  private static let piecesUnderWay = 3
  /// What is held back for the last look at the file.
  private static let lastPieceSize = 64 << 10
  /// TLS encrypts in memory of ours.
  private static let securePieceSize = 128 << 10

  private let file: any ServedFile
  private var next: Int
  private let end: Int
  private unowned let connection: HTTPConnection
  private let context: ChannelHandlerContext
  private let onDelivery: (@Sendable (HTTPDelivery) -> Void)?
  private let completion: (Bool) -> Void
  private let started = NIODeadline.now()
  private var underWay = 0
  private var delivered = 0
  private var isOver = false
  private var handle: NIOFileHandle?
  private var watch: Scheduled<Void>?
  private var deliveredAtLastLook = 0

  init(
    file: any ServedFile, range: Range<Int>, connection: HTTPConnection, context: ChannelHandlerContext,
    onDelivery: (@Sendable (HTTPDelivery) -> Void)?, completion: @escaping (Bool) -> Void
  ) {
    self.file = file
    next = range.lowerBound
    end = range.upperBound
    self.connection = connection
    self.context = context
    self.onDelivery = onDelivery
    self.completion = completion
  }

  func start() {
    if !connection.isSecure {
      handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: file.descriptor)
    }
    if next < end { scheduleLook() }
    pump()
  }

  private func scheduleLook() {
    watch = context.eventLoop.assumeIsolated().scheduleTask(in: connection.server.times.piece) {
      [weak self] in
      self?.look()
    }
  }

  /// Whether anything was taken since the last look.
  private func look() {
    guard !isOver else { return }
    if delivered == deliveredAtLastLook {
      connection.server.metrics.httpTimeouts.increment()
      end(isComplete: false)
      return context.close(promise: nil)
    }
    deliveredAtLastLook = delivered
    scheduleLook()
  }

  private func pump() {
    while !isOver, next < end, underWay < Self.piecesUnderWay {
      var size = min(connection.isSecure ? Self.securePieceSize : Self.pieceSize, end - next)
      if end - next > Self.lastPieceSize {
        size = min(size, end - next - Self.lastPieceSize)
      } else {
        // The last look comes after all the rest has left.
        if underWay > 0 { break }
        guard file.isUnchanged() else { return fail() }
      }
      guard let data = piece(at: next, size: size) else { return fail() }
      next += size
      underWay += 1
      let promise = context.eventLoop.makePromise(of: Void.self)
      promise.futureResult.assumeIsolated().whenComplete { [self] result in
        underWay -= 1
        guard !isOver else { return }
        guard case .success = result else { return fail() }
        delivered += size
        if next == end, underWay == 0 { finish() } else { pump() }
      }
      context.writeAndFlush(connection.wrapOutboundOut(.body(data)), promise: promise)
    }
    if !isOver, next == end, underWay == 0 { finish() }
  }

  private func piece(at offset: Int, size: Int) -> IOData? {
    if let handle {
      return .fileRegion(FileRegion(fileHandle: handle, readerIndex: offset, endIndex: offset + size))
    }
    var buffer = context.channel.allocator.buffer(capacity: size)
    while buffer.readableBytes < size {
      let done = buffer.readableBytes
      let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size - done) { bytes in
        max(0, pread(file.descriptor, bytes.baseAddress, size - done, off_t(offset + done)))
      }
      guard count > 0 else { return nil }
    }
    return .byteBuffer(buffer)
  }

  private func finish() {
    end(isComplete: true)
    completion(true)
  }

  private func fail() {
    end(isComplete: false)
    completion(false)
  }

  /// Says what became of it, once.
  func end(isComplete: Bool) {
    guard !isOver else { return }
    isOver = true
    watch?.cancel()
    // The descriptor is the file's own and is not closed here. What the channel may still hold fails with the handle.
    _ = try? handle?.takeDescriptorOwnership()
    let elapsed = NIODeadline.now() - started
    onDelivery?(
      HTTPDelivery(
        bytes: delivered, milliseconds: Int(elapsed.nanoseconds / 1_000_000), isComplete: isComplete))
  }
}
