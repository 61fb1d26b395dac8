internal import CPosixShim
internal import Glibc

extension Scaffold {
  /// What became of a repository.
  package struct Outcome: Sendable, Equatable {
    /// Paths of the files that were written, in order.
    package let written: [String]
    /// Paths of the files that were there already, with the same content.
    package let present: [String]
  }

  /// Writes the repository below a directory, which is made if it is not there.
  ///
  /// A directory that is new appears whole or not at all. In one that is there, files are only added, each whole: any
  /// other file in the way of one stops it before the first is written, a failure takes back what was written, and
  /// after a crash the same call completes what it began.
  ///
  /// - Parameter announce: told of a temporary directory, which an interruption should remove.
  /// - Throws: `inTheWay`, which names everything that is, and `inputOutput`.
  package func write(to directory: String, announce: (String) -> Void = { _ in }) throws(ScaffoldError)
    -> Outcome
  {
    var status = stat()
    guard lstat(directory, &status) != 0 else { return try add(to: directory) }
    guard errno == ENOENT else { throw Self.failure(directory) }
    let temporary = "\(Self.trimmed(directory)).netimg-init-\(getpid())"
    announce(temporary)
    guard mkdir(temporary, 0o777) == 0 else {
      throw ScaffoldError(
        .inputOutput,
        "\(directory) cannot be made: \(String(cString: strerror(errno))); check that what is above it is there and yours"
      )
    }
    do throws(ScaffoldError) {
      let outcome = try add(to: temporary)
      guard netimg_rename_new(temporary, directory) == 0 else {
        throw ScaffoldError(
          errno == EEXIST ? .inTheWay : .inputOutput,
          "\(directory) cannot be made: \(String(cString: strerror(errno)))")
      }
      return outcome
    } catch {
      discard(temporary)
      throw error
    }
  }

  /// Removes a repository that was written, and nothing else.
  private func discard(_ root: String) {
    for file in files {
      unlink("\(root)/\(file.path)")
      var directories = file.path.split(separator: "/").dropLast()
      while !directories.isEmpty, rmdir("\(root)/\(directories.joined(separator: "/"))") == 0 {
        directories = directories.dropLast()
      }
    }
    rmdir(root)
  }

  /// Adds what is missing to a directory, which is made if it is not there.
  private func add(to root: String) throws(ScaffoldError) -> Outcome {
    var missing: [File] = []
    var present: [String] = []
    var inTheWay: [String] = []
    for file in files {
      switch try state(of: file, below: root) {
      case .missing: missing.append(file)
      case .present: present.append(file.path)
      case .inTheWay(let path): if !inTheWay.contains(path) { inTheWay.append(path) }
      }
    }
    guard inTheWay.isEmpty else {
      throw ScaffoldError(
        .inTheWay,
        "\(inTheWay.joined(separator: ", ")) \(inTheWay.count == 1 ? "is" : "are") already there: nothing was written; choose another directory, or move \(inTheWay.count == 1 ? "it" : "them") away"
      )
    }
    var made: [Made] = []
    do throws(ScaffoldError) {
      for file in missing { try create(file, below: root, &made) }
    } catch {
      for item in made.reversed() { item.remove() }
      throw error
    }
    return Outcome(written: missing.map(\.path), present: present)
  }

  private enum State {
    case missing
    case present
    /// What is there instead of the file, or of a directory above it.
    case inTheWay(String)
  }

  private func state(of file: File, below root: String) throws(ScaffoldError) -> State {
    var path = root
    var status = stat()
    for component in file.path.split(separator: "/").dropLast() {
      path += "/\(component)"
      guard lstat(path, &status) == 0 else {
        guard errno == ENOENT else { throw Self.failure(path) }
        return .missing
      }
      // A link could lead anywhere.
      guard status.st_mode & S_IFMT == S_IFDIR else { return .inTheWay(path) }
    }
    path = "\(root)/\(file.path)"
    guard lstat(path, &status) == 0 else {
      guard errno == ENOENT else { throw Self.failure(path) }
      return .missing
    }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size == file.bytes.count,
      Self.content(path, count: file.bytes.count) == file.bytes
    else { return .inTheWay(path) }
    return .present
  }

  private static func content(_ path: String, count: Int) -> [UInt8]? {
    let descriptor = netimg_open(path, O_RDONLY | O_NOFOLLOW, 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let read = bytes.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map { Glibc.read(descriptor, $0 + done, count - done) } ?? 0
      }
      guard read > 0 else { return nil }
      done += read
    }
    return bytes
  }

  /// Something that was made, and can be taken back.
  private enum Made {
    case file(String)
    case directory(String)

    func remove() {
      switch self {
      case .file(let path): unlink(path)
      case .directory(let path): rmdir(path)
      }
    }
  }

  /// Writes a file under a temporary name and gives it its own when it is complete.
  private func create(_ file: File, below root: String, _ made: inout [Made]) throws(ScaffoldError) {
    var directory = root
    try Self.makeDirectory(directory, &made)
    for component in file.path.split(separator: "/").dropLast() {
      directory += "/\(component)"
      try Self.makeDirectory(directory, &made)
    }
    let path = "\(root)/\(file.path)"
    let temporary = "\(path).netimg-init-\(getpid())"
    let descriptor = netimg_open(
      temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, file.isExecutable ? 0o777 : 0o666)
    guard descriptor >= 0 else { throw Self.failure(temporary) }
    do throws(ScaffoldError) {
      defer { close(descriptor) }
      var rest = file.bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw Self.failure(temporary) }
        rest = rest.dropFirst(count)
      }
      guard fsync(descriptor) == 0 else { throw Self.failure(temporary) }
      guard netimg_rename_new(temporary, path) == 0 else { throw Self.failure(path) }
      made.append(.file(path))
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func makeDirectory(_ path: String, _ made: inout [Made]) throws(ScaffoldError) {
    if mkdir(path, 0o777) == 0 {
      made.append(.directory(path))
    } else if errno != EEXIST {
      throw failure(path)
    }
  }

  private static func trimmed(_ directory: String) -> String {
    var text = directory[...]
    while text.count > 1, text.hasSuffix("/") { text = text.dropLast() }
    return String(text)
  }

  private static func failure(_ path: String) -> ScaffoldError {
    ScaffoldError(.inputOutput, "\(path): \(String(cString: strerror(errno)))")
  }
}
