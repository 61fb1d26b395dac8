/// What a maintainer script would have done, for the builder to do natively.
///
/// The lock file records ``description``; it is stable, and ``init(_:)`` reads it back.
package enum ScriptAction: Sendable, Hashable {
  /// One link of a group of alternatives (update-alternatives(1)).
  package struct Link: Sendable, Hashable {
    /// The generic path, for example `/usr/bin/editor`.
    package let link: String
    /// The name under `/etc/alternatives`.
    package let name: String
    /// The path that provides it.
    package let path: String
  }

  /// Rebuild the cache of the dynamic linker.
  case ldconfig
  /// Create the accounts of `/usr/lib/sysusers.d/NAME`.
  case sysusers(String)
  /// Apply `/usr/lib/tmpfiles.d/NAME`.
  case tmpfiles(String)
  /// Offer an alternative with a priority and the links that follow it.
  case alternative(Link, priority: Int, slaves: [Link])
  /// The package brings this unit; presets decide whether it is enabled.
  case units(String)
  /// Rebuild the module indexes.
  case depmod
  /// Rebuild the certificate bundle and its hashed links.
  case caCertificates
}

extension ScriptAction: CustomStringConvertible {
  /// `ldconfig`, `sysusers:NAME`, `tmpfiles:NAME`, `alternative:LINK:NAME:PATH:PRIORITY[:LINK:NAME:PATH…]`,
  /// `units:UNIT`, `depmod` or `ca-certificates`.
  package var description: String {
    switch self {
    case .ldconfig: return "ldconfig"
    case .sysusers(let name): return "sysusers:\(name)"
    case .tmpfiles(let name): return "tmpfiles:\(name)"
    case .alternative(let master, let priority, let slaves):
      let tail = slaves.flatMap { [$0.link, $0.name, $0.path] }
      let fields = ["alternative", master.link, master.name, master.path, String(priority)] + tail
      return fields.joined(separator: ":")
    case .units(let unit): return "units:\(unit)"
    case .depmod: return "depmod"
    case .caCertificates: return "ca-certificates"
    }
  }

  /// Reads a description back; `nil` for anything that ``description`` does not write.
  package init?(_ description: String) {
    let fields = description.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch (fields[0], fields.count) {
    case ("ldconfig", 1): self = .ldconfig
    case ("depmod", 1): self = .depmod
    case ("ca-certificates", 1): self = .caCertificates
    case ("sysusers", 2) where Self.isConfigurationName(fields[1]): self = .sysusers(fields[1])
    case ("tmpfiles", 2) where Self.isConfigurationName(fields[1]): self = .tmpfiles(fields[1])
    case ("units", 2) where Self.isUnitName(fields[1]): self = .units(fields[1])
    case ("alternative", 5...):
      guard let master = Self.link(fields[1...3]), let priority = Self.priority(fields[4]),
        (fields.count - 5) % 3 == 0
      else { return nil }
      var slaves: [Link] = []
      for start in stride(from: 5, to: fields.count, by: 3) {
        guard let slave = Self.link(fields[start..<start + 3]) else { return nil }
        slaves.append(slave)
      }
      self = .alternative(master, priority: priority, slaves: slaves)
    default: return nil
    }
  }
}

extension ScriptAction {
  /// A file name under `sysusers.d` or `tmpfiles.d`.
  static func isConfigurationName(_ name: String) -> Bool {
    name.hasSuffix(".conf") && isFileName(name)
  }

  /// A unit's file name (systemd.unit(5)).
  static func isUnitName(_ name: String) -> Bool {
    let types = [
      "service", "socket", "target", "timer", "path", "mount", "automount", "swap", "slice", "scope",
    ]
    guard let dot = name.utf8.lastIndex(of: ASCII.dot), dot != name.startIndex else { return false }
    return types.contains(String(name[name.utf8.index(after: dot)...])) && isFileName(name, also: "\\")
  }

  /// The three fields of an alternative, if they are two absolute paths with a file name between.
  static func link(_ fields: ArraySlice<String>) -> Link? {
    let fields = Array(fields)
    guard fields.count == 3, isAbsolutePath(fields[0]), isFileName(fields[1], also: "[+"),
      isAbsolutePath(fields[2])
    else { return nil }
    return Link(link: fields[0], name: fields[1], path: fields[2])
  }

  /// A priority as `String(_:)` writes it.
  static func priority(_ text: String) -> Int? {
    guard let value = Int(text), String(value) == text else { return nil }
    return value
  }

  private static func isFileName(_ name: String, also others: String = "") -> Bool {
    guard let first = name.utf8.first, first != ASCII.dot, first != ASCII.minus, name.utf8.count <= 255 else {
      return false
    }
    return name.utf8.allSatisfy {
      ASCII.isLetter($0) || ASCII.isDigit($0) || "._-@+".utf8.contains($0) || others.utf8.contains($0)
    }
  }

  /// An absolute path without empty, `.` or `..` components, blanks or colons.
  private static func isAbsolutePath(_ path: String) -> Bool {
    guard path.utf8.first == ASCII.slash, path.utf8.count <= 4096 else { return false }
    guard path.utf8.allSatisfy({ $0 > ASCII.space && $0 != ASCII.colon && $0 != 0x7F }) else { return false }
    return path.utf8.split(separator: ASCII.slash, omittingEmptySubsequences: false).dropFirst().allSatisfy {
      !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8)
    }
  }
}
