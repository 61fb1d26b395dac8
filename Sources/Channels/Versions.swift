internal import DebianPackage

/// Versions of images, ordered as dpkg orders versions; one that is none comes first.
enum Versions {
  struct Key: Comparable {
    let version: DebianVersion?
    let text: String

    static func < (left: Key, right: Key) -> Bool {
      switch (left.version, right.version) {
      case (let left?, let right?): left < right
      case (nil, _?): true
      case (_?, nil): false
      case (nil, nil): left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
      }
    }

    static func == (left: Key, right: Key) -> Bool { !(left < right) && !(right < left) }
  }

  static func key(_ text: String) -> Key { Key(version: try? DebianVersion(text), text: text) }
}
