internal import Manifest
internal import NativeActions

extension RootTree {
  /// Does at build time what tmpfiles.d(5) asks for on the root, which is read-only at boot.
  mutating func applyTmpfiles() throws {
    for action in try Tmpfiles.buildActions(try tmpfilesLines()) {
      switch action {
      case .directory(let path, let access):
        let path = Self.canonical(path)
        if self[path] == nil { putDirectory(path) }
        adjust(path, access)
      case .file(let path, let contents, let replaces, let access):
        let path = Self.canonical(path)
        if replaces || self[path] == nil { putFile(path, contents) }
        adjust(path, access)
      case .write(let pattern, let contents, let appends):
        for path in matches(pattern) { write(contents, to: path, appends: appends) }
      case .symlink(let path, let target, let replaces, let onlyIfTargetExists):
        let path = Self.canonical(path)
        guard replaces || self[path] == nil else { continue }
        if onlyIfTargetExists, resolve(Self.absolute(target, from: path)) == nil { continue }
        putLink(path, to: target)
      case .copy(let path, let source, let replaces, let access):
        copy(Self.canonical(source), to: Self.canonical(path), replaces: replaces, access)
      case .fifo(let path, _, _):
        throw BuildError(
          .badInput, "tmpfiles.d asks for the named pipe \(path) on the read-only root: drop its file")
      case .adjust(let pattern, let isRecursive, let onlyDirectories, let access):
        for path in matches(pattern) {
          let below = isRecursive ? paths(below: path) : []
          for target in [path] + below where !onlyDirectories || self[target]?.isDirectory == true {
            adjust(target, access)
          }
        }
      }
    }
  }

  /// Moves what packages ship below `/var` to where systemd-tmpfiles makes it from again, in the empty /var of each boot.
  mutating func moveVariableData(accounts: AccountNumbers) throws {
    var shipped: [Tmpfiles.Shipped] = []
    let lines = try tmpfilesLines()
    for path in paths(below: "var") {
      guard let node = self[path] else { continue }
      let user = String(try accounts.user(node.owner, of: path))
      let group = String(try accounts.group(node.group, of: path))
      switch node.kind {
      case .directory:
        shipped.append(.directory(path: "/\(path)", mode: node.mode, user: user, group: group))
      case .symlink(let target):
        shipped.append(.symlink(path: "/\(path)", target: target))
      case .file:
        shipped.append(.file(path: "/\(path)", mode: node.mode, user: user, group: group))
        var factory = node
        factory.mode &= 0o777
        put(factory, at: "usr/share/factory/\(path)")
      }
      remove(path)
    }
    guard !shipped.isEmpty else { return }
    putFile("usr/lib/tmpfiles.d/zz-netimg-var.conf", try Tmpfiles.generate(shipped, besides: lines))
  }

  func tmpfilesLines() throws -> [Tmpfiles.Line] {
    var lines: [Tmpfiles.Line] = []
    for path in configurationFiles(in: "tmpfiles.d") {
      guard let bytes = self[path]?.bytes else { continue }
      lines += try Tmpfiles.parse(bytes, file: "/\(path)")
    }
    return lines
  }

  private func matches(_ pattern: String) -> [String] {
    guard let glob = PathGlob(pattern) else { return [] }
    return sortedPaths.filter { glob.matches("/\($0)") }
  }

  private static func absolute(_ target: String, from link: String) -> String {
    target.utf8.first == UInt8(ascii: "/") ? target : "\(parent(of: link))/\(target)"
  }

  private mutating func adjust(_ path: String, _ access: Tmpfiles.Access) {
    guard var node = self[path] else { return }
    if let mode = access.mode { node.mode = mode.bits }
    if let user = access.user { node.owner = Self.reference(user.name) }
    if let group = access.group { node.group = Self.reference(group.name) }
    self[path] = node
  }

  private static func reference(_ text: String) -> AccountReference {
    UInt32(text).map { .number($0) } ?? (text == "root" ? .root : .name(text))
  }

  private mutating func write(_ contents: [UInt8], to path: String, appends: Bool) {
    guard let node = self[path], let old = node.bytes else { return }
    putFile(path, appends ? old + contents : contents + old.dropFirst(contents.count), mode: node.mode)
  }

  private mutating func copy(_ source: String, to path: String, replaces: Bool, _ access: Tmpfiles.Access) {
    guard let root = self[source] else { return }
    let isEmptyDirectory = self[path]?.isDirectory == true && paths(below: path).isEmpty
    guard replaces || self[path] == nil || isEmptyDirectory else { return }
    put(root, at: path)
    for item in paths(below: source) {
      guard let node = self[item] else { continue }
      put(node, at: path + item.dropFirst(source.count))
    }
    adjust(path, access)
  }
}
