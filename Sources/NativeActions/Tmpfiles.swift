/// tmpfiles.d(5): files and directories that packages want to exist.
package enum Tmpfiles {
  /// The type letter of a line.
  package enum Kind: UInt8, Sendable, CaseIterable {
    case file = 0x66  // f
    case truncatedFile = 0x46  // F, an old spelling of f+
    case write = 0x77  // w
    case directory = 0x64  // d
    case emptiedDirectory = 0x44  // D
    case existingDirectory = 0x65  // e
    case subvolume = 0x76  // v
    case inheritedQuotaSubvolume = 0x71  // q
    case quotaSubvolume = 0x51  // Q
    case fifo = 0x70  // p
    case symlink = 0x4C  // L
    case characterDevice = 0x63  // c
    case blockDevice = 0x62  // b
    case copy = 0x43  // C
    case ignore = 0x78  // x
    case ignoreDirectory = 0x58  // X
    case remove = 0x72  // r
    case removeTree = 0x52  // R
    case adjust = 0x7A  // z
    case adjustTree = 0x5A  // Z
    case setAttribute = 0x74  // t
    case setAttributeTree = 0x54  // T
    case fileAttributes = 0x68  // h
    case fileAttributesTree = 0x48  // H
    case accessList = 0x61  // a
    case accessListTree = 0x41  // A
  }

  /// The signs after the letter.
  package struct Modifiers: OptionSet, Sendable {
    /// One bit for each sign.
    package let rawValue: Int
    /// Any combination of bits.
    package init(rawValue: Int) { self.rawValue = rawValue }
    /// `+`: replace what is there, or append to it, depending on the type.
    package static let plus = Modifiers(rawValue: 1)
    /// `!`: only at boot.
    package static let boot = Modifiers(rawValue: 2)
    /// `-`: failing is no error.
    package static let mayFail = Modifiers(rawValue: 4)
    /// `=`: remove what is there if it is of another type.
    package static let exactType = Modifiers(rawValue: 8)
    /// `~`: the argument is Base64.
    package static let base64 = Modifiers(rawValue: 16)
    /// `^`: the argument names a credential.
    package static let credential = Modifiers(rawValue: 32)
    /// `$`: removed by `--purge`.
    package static let purge = Modifiers(rawValue: 64)
    /// `?`: a link only if its target exists.
    package static let ifTargetExists = Modifiers(rawValue: 128)
  }

  /// The mode field.
  package struct Mode: Equatable, Sendable {
    /// Permission bits, at most 0o7777.
    package let bits: UInt16
    /// `~`: without the bits that the existing file has in no class.
    package let isMasked: Bool
    /// `:`: only for what the line itself creates.
    package let isForNewOnly: Bool
  }

  /// The user or the group field.
  package struct Owner: Equatable, Sendable {
    /// A name or a decimal number.
    package let name: String
    /// `:`: only for what the line itself creates.
    package let isForNewOnly: Bool
  }

  /// One line.
  package struct Line: Sendable {
    /// `file:line`.
    package let origin: String
    /// The type letter.
    package let kind: Kind
    /// The signs behind it.
    package let modifiers: Modifiers
    /// Absolute, without doubled or trailing slashes; a glob pattern for types that take one.
    package let path: String
    /// `nil` for the type's default, or for what exists.
    package let mode: Mode?
    /// `nil` for root, or for what exists.
    package let user: Owner?
    /// `nil` for root, or for what exists.
    package let group: Owner?
    /// Kept as it stands: cleaning is for a running system.
    package let age: String?
    /// With escapes and Base64 decoded for the types that do so.
    package let argument: [UInt8]?
    /// The specifier that a build cannot answer, if there is one; path and argument are then unexpanded.
    package let unknownSpecifier: String?
  }
}

extension Tmpfiles.Kind {
  /// Whether the path is a pattern; such lines apply after all others.
  var takesGlob: Bool {
    switch self {
    case .write, .existingDirectory, .ignore, .ignoreDirectory, .remove, .removeTree, .adjust, .adjustTree,
      .setAttribute, .setAttributeTree, .fileAttributes, .fileAttributesTree, .accessList, .accessListTree:
      true
    default: false
    }
  }

  /// Whether the line makes something at its path.
  var creates: Bool {
    switch self {
    case .file, .truncatedFile, .directory, .emptiedDirectory, .subvolume, .inheritedQuotaSubvolume,
      .quotaSubvolume,
      .fifo, .symlink, .characterDevice, .blockDevice, .copy:
      true
    default: false
    }
  }

  /// Whether escapes in the argument are decoded.
  var decodesArgument: Bool {
    switch self {
    case .file, .truncatedFile, .write, .symlink, .copy: true
    default: false
    }
  }
}
