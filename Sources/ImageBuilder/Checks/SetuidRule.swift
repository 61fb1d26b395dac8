extension Rule {
  /// Programs that give whoever runs them another user's or group's rights.
  static let setuid = Rule(name: "setuid") { root in
    root.files.compactMap { file in
      guard file.node.mode & 0o6000 != 0 else { return nil }
      let bits = [(0o4000 as UInt16, "set-user-ID"), (0o2000, "set-group-ID")]
        .filter { file.node.mode & $0.0 != 0 }.map(\.1).joined(separator: " and ")
      return (
        file.path,
        "is \(bits) (mode \(octal(file.node.mode))): drop it, or give it the mode \(octal(file.node.mode & 0o777)) "
          + "under permissions"
      )
    }
  }

  static func octal(_ mode: UInt16) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
