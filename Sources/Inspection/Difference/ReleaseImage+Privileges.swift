internal import ImageFormat

extension ReleaseImage {
  /// Files that run with another user's or group's rights: their modes by path.
  var setIDFiles: [String: String] {
    var modes: [String: String] = [:]
    for node in nodes where node.kind == .file && node.permissions & 0o6000 != 0 {
      modes["/\(node.path)"] = ModeText.octal(node.permissions)
    }
    return modes
  }

  /// File capabilities by path, joined by commas.
  func fileCapabilities() throws -> [String: String] {
    var found: [String: String] = [:]
    for node in nodes where node.kind == .file {
      let names = try capabilities(of: node)
      if !names.isEmpty { found["/\(node.path)"] = names.joined(separator: ",") }
    }
    return found
  }
}
