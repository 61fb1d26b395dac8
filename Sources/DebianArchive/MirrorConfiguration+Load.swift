internal import FoundationEssentials

extension MirrorConfiguration {
  /// Collects the mirrors that this run may use.
  /// - Parameters:
  ///   - flags: the values of `--mirror`: `NAME=URL` or a plain URL.
  ///   - environment: the process's environment: `NETIMG_MIRROR`, `XDG_CONFIG_HOME` and `HOME` are read.
  ///   - aptDirectory: the host's apt configuration; `nil` leaves the host's sources out.
  /// - Throws: `badConfiguration` for a flag, variable or line of the user's that is no mirror.
  package static func load(
    flags: [String], environment: [String: String], aptDirectory: String? = "/etc/apt"
  ) throws(ArchiveError) -> MirrorConfiguration {
    var fromFlags: [Mirror] = []
    for flag in flags { fromFlags.append(try parse(flag, origin: "--mirror")) }
    var fromEnvironment: [Mirror] = []
    for word in (environment["NETIMG_MIRROR"] ?? "").split(separator: " ") {
      fromEnvironment.append(try parse(word, origin: "NETIMG_MIRROR"))
    }
    var fromUser: [Mirror] = []
    if let path = userFile(environment), let bytes = read(path) {
      fromUser = try parseFile(String(decoding: bytes, as: UTF8.self), name: path)
    }
    let fromHost = aptDirectory.map(aptMirrors) ?? []
    return MirrorConfiguration(sources: [fromFlags, fromEnvironment, fromUser, fromHost])
  }

  private static func userFile(_ environment: [String: String]) -> String? {
    if let directory = environment["XDG_CONFIG_HOME"], directory.hasPrefix("/") {
      return directory + "/netimg/mirrors"
    }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return home + "/.config/netimg/mirrors"
  }

  private static func aptMirrors(_ directory: String) -> [Mirror] {
    var mirrors: [Mirror] = []
    let parts = (try? FileManager.default.contentsOfDirectory(atPath: directory + "/sources.list.d")) ?? []
    // apt reads sources.list first, then the parts in the order of their names.
    for path in [directory + "/sources.list"] + parts.sorted().map({ directory + "/sources.list.d/" + $0 }) {
      guard path.hasSuffix(".list") || path.hasSuffix(".sources"), let bytes = read(path) else { continue }
      if path.hasSuffix(".list") {
        mirrors += parseAptList(String(decoding: bytes, as: UTF8.self), name: path)
      } else {
        mirrors += parseAptSources(bytes, name: path)
      }
    }
    return mirrors
  }

  private static func read(_ path: String) -> [UInt8]? {
    guard let data = FileManager.default.contents(atPath: path), data.count <= 1 << 20 else { return nil }
    return [UInt8](data)
  }
}
