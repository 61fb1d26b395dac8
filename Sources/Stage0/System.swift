internal import CPosixShim

/// Thin, typed calls into the kernel. No function here retries or decides anything.
package enum System {
  /// The whole of a small file, such as those of /proc; at most 64 MiB.
  package static func readFile(_ path: String) throws(Stage0Error) -> [UInt8] {
    let file = netimg_open(path, O_RDONLY, 0)
    guard file >= 0 else { throw Stage0Error(call: "cannot open \(path)") }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = chunk.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
      if count < 0 && netimg_errno() == EINTR { continue }
      guard count >= 0 else { throw Stage0Error(call: "cannot read \(path)") }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= 64 << 20 else { throw Stage0Error("\(path) is larger than 64 MiB") }
    }
  }

  /// Writes a file anew.
  package static func writeFile(_ path: String, _ bytes: [UInt8]) throws(Stage0Error) {
    let file = netimg_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard file >= 0 else { throw Stage0Error(call: "cannot create \(path)") }
    defer { close(file) }
    guard bytes.withUnsafeBytes({ write(file, $0.baseAddress, $0.count) }) == bytes.count else {
      throw Stage0Error(call: "cannot write \(path)")
    }
  }

  /// mkdir(2); an existing directory is fine.
  package static func makeDirectory(_ path: String) throws(Stage0Error) {
    guard mkdir(path, 0o755) == 0 || netimg_errno() == EEXIST else {
      throw Stage0Error(call: "cannot create \(path)")
    }
  }

  /// mount(2). `options` is the file system's own text.
  package static func mount(
    _ type: String, from source: String, on target: String, flags: UInt, options: String = ""
  ) throws(Stage0Error) {
    guard CPosixShim.mount(source, target, type, flags, options) == 0 else {
      throw Stage0Error(call: "cannot mount \(type) on \(target)")
    }
  }

  /// Moves a mount (MS_MOVE).
  package static func moveMount(_ source: String, to target: String) throws(Stage0Error) {
    guard CPosixShim.mount(source, target, nil, netimg_ms_move, nil) == 0 else {
      throw Stage0Error(call: "cannot move the mount \(source) to \(target)")
    }
  }

  /// Loads one uncompressed kernel module; one that is there already is fine.
  package static func loadModule(_ path: String) throws(Stage0Error) {
    let file = netimg_open(path, O_RDONLY, 0)
    guard file >= 0 else { throw Stage0Error(call: "cannot open the kernel module \(path)") }
    defer { close(file) }
    guard netimg_finit_module(file, "", 0) == 0 || netimg_errno() == EEXIST else {
      throw Stage0Error(call: "the kernel refuses the module \(path)")
    }
  }

  /// Milliseconds since the kernel started (CLOCK_BOOTTIME).
  package static var uptimeMilliseconds: Int {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
  }
}
