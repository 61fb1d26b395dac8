/// The keys of `files`, `directories`, `links` and `permissions`.
enum FileKeys {
  static let path = Key(
    "path", .text(.path), "Where it is in the image.", example: "/etc/motd", required: true)
  static let content = Key(
    "content", .text(.any), "The file's text.", example: #""Welcome.\n""#)
  static let source = Key(
    "source", .text(.sourcePath), "The file with the content, relative to this manifest.",
    example: "files/etc/motd")
  static let mode = Key("mode", .mode, "The permission bits.", example: #""0644""#, fallback: "0644")
  static let directoryMode = Key("mode", .mode, "The permission bits.", example: #""0755""#, fallback: "0755")
  static let owner = Key("owner", .text(.account), "The owning user.", example: "root", fallback: "root")
  static let group = Key("group", .text(.account), "The owning group.", example: "root", fallback: "root")
  static let target = Key(
    "target", .text(.linkTarget), "What the link holds, resolved inside the image.",
    example: "/usr/share/zoneinfo/UTC", required: true)

  static let newMode = Key("mode", .mode, "The new permission bits.", example: #""0755""#)
  static let newOwner = Key("owner", .text(.account), "The new owning user.", example: "root")
  static let newGroup = Key("group", .text(.account), "The new owning group.", example: "root")
  static let capabilities = Key(
    "capabilities", .values(of: .enumeration(Capability.allCases)),
    "The file capabilities, permitted and effective; an empty list removes the package's own.",
    example: "[cap_net_raw]")
  static let permissionReason = Key(
    "reason", .reason, "Why what the package ships does not do.", example: #""nobody mounts by hand""#,
    required: true)

  static let file = ValueType<FileEntry>.object(
    "File", "A regular file of the image.", keys: [path, content, source, mode, owner, group],
    exactlyOne: ["content", "source"]
  ) { fields, context in
    guard let path = fields[path], let mode = fields[mode], let owner = fields[owner],
      let group = fields[group]
    else { return nil }
    var bytes = Array((fields[content] ?? "").utf8)
    if let source = fields.located(source) {
      guard let (_, file) = context.readSource(source.value, at: source.location) else { return nil }
      bytes = file.bytes
    }
    return FileEntry(path: path, bytes: bytes, mode: mode, owner: owner, group: group)
  }

  static let directory = ValueType<DirectoryEntry>.object(
    "Directory", "A directory of the image; those above it need no entry of their own.",
    keys: [path, directoryMode, owner, group]
  ) { fields, _ in
    guard let path = fields[path], let mode = fields[directoryMode], let owner = fields[owner],
      let group = fields[group]
    else { return nil }
    return DirectoryEntry(path: path, mode: mode, owner: owner, group: group)
  }

  static let link = ValueType<LinkEntry>.object(
    "Link", "A symbolic link of the image.", keys: [path, target]
  ) { fields, _ in
    guard let path = fields[path], let target = fields[target] else { return nil }
    return LinkEntry(path: path, target: target)
  }

  static let permission = ValueType<PermissionChange>.object(
    "Permission", "A change to the owner, mode or capabilities of what a package ships.",
    keys: [path, newMode, newOwner, newGroup, capabilities, permissionReason],
    atLeastOne: ["mode", "owner", "group", "capabilities"]
  ) { fields, _ in
    guard let path = fields[path], let reason = fields[permissionReason] else { return nil }
    // Sorted and each once: the order of capabilities means nothing.
    let names = fields[capabilities].map { Set($0.map(\.rawValue)).sorted() }
    return PermissionChange(
      path: path, mode: fields[newMode], owner: fields[newOwner], group: fields[newGroup],
      capabilities: names, reason: reason)
  }
}
