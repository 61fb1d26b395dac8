/// The names inside a package's archives, made comparable and safe.
enum PackagePath {
  private static let maximumComponent = 255

  /// The path without the `./` and `/` before it and without the slash behind it; `nil` for the top itself.
  /// - Throws: `unsafePath` for a name that is not UTF-8, has control characters, or has an empty, `.` or `..`
  ///   component; `limit` for one that is too long.
  static func normalised(
    _ bytes: [UInt8], in label: String, _ limits: DebLimits
  ) throws(DebianPackageError) -> String? {
    let text = try text(bytes, in: label, limits)
    var rest = bytes[...]
    // As dpkg does: any run of "/" and "./" at the front.
    while true {
      if rest.first == ASCII.slash {
        rest = rest.dropFirst()
      } else if rest.starts(with: [ASCII.dot, ASCII.slash]) {
        rest = rest.dropFirst(2)
      } else {
        break
      }
    }
    if rest.last == ASCII.slash { rest = rest.dropLast() }
    if rest.elementsEqual([ASCII.dot]) || rest.isEmpty {
      guard !bytes.isEmpty else {
        throw DebianPackageError(.unsafePath, "\(label) has a member without a name")
      }
      return nil
    }
    for component in rest.split(separator: ASCII.slash, omittingEmptySubsequences: false) {
      let isDots = component.elementsEqual([ASCII.dot]) || component.elementsEqual([ASCII.dot, ASCII.dot])
      guard !component.isEmpty, !isDots else {
        throw DebianPackageError(.unsafePath, "\(label): “\(text)” has an empty, “.” or “..” component")
      }
      guard component.count <= maximumComponent else {
        throw DebianPackageError(
          .limit, "\(label): “\(text)” has a component longer than \(maximumComponent) bytes")
      }
    }
    return String(decoding: rest, as: UTF8.self)
  }

  /// A name or a link's target as text.
  static func text(
    _ bytes: [UInt8], in label: String, _ limits: DebLimits
  ) throws(DebianPackageError) -> String {
    guard bytes.count <= limits.pathLength else {
      throw DebianPackageError(.limit, "\(label) has a path longer than \(limits.pathLength) bytes")
    }
    guard let text = String(validating: bytes, as: UTF8.self),
      bytes.allSatisfy({ $0 >= ASCII.space && $0 != 0x7F })
    else {
      throw DebianPackageError(.unsafePath, "\(label) has a name that is not UTF-8 or has control characters")
    }
    return text
  }
}
