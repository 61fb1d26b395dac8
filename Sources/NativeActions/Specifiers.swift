/// The `%`-specifiers of systemd's configuration files, as far as a build can know what they will stand for.
package struct Specifiers: Sendable {
  private let values: [UInt8: String]

  /// `%%`, and the directories of the system instance (`%t` `%S` `%C` `%L` `%T` `%V`), root's identity (`%u` `%U` `%g`
  /// `%G` `%h`). Everything that a machine only knows once it runs (`%b` `%H` `%l` `%m` `%v`) is refused.
  package static let build = Specifiers(osRelease: [:], architecture: nil)

  /// Adds what the image's `os-release` fields and architecture (systemd's name, such as `x86-64`) answer: `%A` `%B`
  /// `%M` `%o` `%w` `%W` and `%a`.
  package init(osRelease: [String: String], architecture: String?) {
    var values: [UInt8: String] = [:]
    let fixed = [
      "%": "%", "t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "T": "/tmp",
      "V": "/var/tmp",
      "u": "root", "U": "0", "g": "root", "G": "0", "h": "/root", "a": architecture,
    ]
    let fields = [
      "A": "IMAGE_VERSION", "B": "BUILD_ID", "M": "IMAGE_ID", "o": "ID", "w": "VERSION_ID", "W": "VARIANT_ID",
    ]
    for (letter, value) in fixed {
      if let byte = letter.utf8.first, let value { values[byte] = value }
    }
    for (letter, field) in fields {
      // An absent field is an empty string, but absent os-release is unknown.
      if let byte = letter.utf8.first, !osRelease.isEmpty { values[byte] = osRelease[field] ?? "" }
    }
    self.values = values
  }

  /// The text with every specifier replaced, or the first one that a build cannot answer.
  func expand(_ text: [UInt8]) -> Result<[UInt8], UnknownSpecifier> {
    var result: [UInt8] = []
    var rest = text[...]
    while let byte = rest.first {
      rest = rest.dropFirst()
      guard byte == UInt8(ascii: "%") else {
        result.append(byte)
        continue
      }
      guard let letter = rest.first else { return .failure(UnknownSpecifier(letter: "")) }
      guard let value = values[letter] else {
        return .failure(UnknownSpecifier(letter: String(decoding: [letter], as: UTF8.self)))
      }
      result += value.utf8
      rest = rest.dropFirst()
    }
    return .success(result)
  }
}

/// A specifier without a value at build time.
struct UnknownSpecifier: Error {
  let letter: String
}
