internal import ImageBuilder
internal import ImageFormat

extension ReleaseImage {
  /// The kernel's configuration by option, with its release and its command line; what is not set is not there.
  func kernelOptions() throws -> [String: String] {
    var options = ["command line": release.kernel.commandLine, "kernel release": release.kernel.release]
    // The index's digest is another in every release, and says nothing.
    options["command line"] = release.kernel.commandLine.split(separator: " ")
      .filter { !$0.hasPrefix("netimg.index=") }.joined(separator: " ")
    guard let node = node("usr/lib/modules/\(release.kernel.release)/config"), node.kind == .file else {
      return options
    }
    options.merge(KernelConfiguration.parse(try bytes(of: node))) { first, _ in first }
    return options
  }
}

/// A kernel's `.config`.
package enum KernelConfiguration {
  /// The options that are set, `CONFIG_` included: `y`, `m`, a number or a string in its quotes.
  package static func parse(_ bytes: [UInt8]) -> [String: String] {
    var options: [String: String] = [:]
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard line.starts(with: "CONFIG_".utf8), let equals = line.firstIndex(of: UInt8(ascii: "=")) else {
        continue
      }
      options[String(decoding: line[..<equals], as: UTF8.self)] = String(
        decoding: line[(equals + 1)...], as: UTF8.self)
    }
    return options
  }
}
