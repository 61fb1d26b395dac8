internal import CPosixShim

/// What a running image says of itself once it has started: that its root is what the build made, and that all is up.
///
/// Without a shell on the device, this is how the console (and a test) learns it. One line, `netimg-report:` and
/// `key=value` words, is for machines.
package struct Report {
  package init() {}

  /// Whether this process was started as `netimg-init report`. Embedded Swift has no CommandLine; /proc has it.
  package static var isAskedFor: Bool {
    guard let words = try? System.readFile("/proc/self/cmdline").split(separator: 0) else { return false }
    return words.count == 2 && words[1].elementsEqual("report".utf8)
  }

  /// Looks, prints, and gives the exit status: 0 if all is well, 1 if not.
  package func run() -> Int32 {
    let root = rootMount()
    let target = verityTarget(root.device)
    let readOnly = writeIsRefused()
    let state = Self.output(of: ["/usr/bin/systemctl", "is-system-running", "--wait"])
    // A service that dies at once and is started again has failed too, and needs a moment to show it.
    sleep(2)
    let failed = Self.output(of: [
      "/usr/bin/systemctl", "list-units", "--all", "--state=failed,auto-restart", "--plain", "--no-legend",
    ]).split(separator: "\n")
    let reached = Self.output(of: ["/usr/bin/systemctl", "is-active", "default.target"])

    for unit in failed { print("netimg: failed unit: \(unit)") }
    let facts = [
      "state=\(state)", "target=\(reached)", "failed-units=\(failed.count)", "root=\(root.type)",
      "verity=\(target)", "read-only=\(readOnly ? "yes" : "no")",
      "uptime-ms=\(System.uptimeMilliseconds)", "root-hash=\(stage0Value("root-hash"))",
      "stage0-ms=\(stage0Value("uptime-milliseconds"))", "image=\(osReleaseValue("IMAGE_ID"))",
      "version=\(osReleaseValue("IMAGE_VERSION"))", "pcr11=\(pcr11())",
      "lockdown=\(lockdown())",
    ]
    print("netimg-report: " + facts.joined(separator: " "))
    let well =
      state == "running" && reached == "active" && failed.isEmpty && root.type == "erofs" && readOnly
      && target == "verified"
    return well ? 0 : 1
  }

  /// The file system type and device number of `/`, from /proc/self/mountinfo (proc(5)); the last such mount counts.
  private func rootMount() -> (type: String, device: String) {
    var result = (type: "unknown", device: "")
    for line in lines(of: "/proc/self/mountinfo") {
      let words = line.split(separator: " ")
      guard words.count > 6, words[4] == "/", let dash = words.firstIndex(of: "-"), dash + 1 < words.count
      else { continue }
      result = (String(words[dash + 1]), String(words[2]))
    }
    return result
  }

  /// `verified` if the device is one dm-verity target that has seen no corruption, else what it is.
  private func verityTarget(_ device: String) -> String {
    let parts = device.split(separator: ":").compactMap { UInt64($0) }
    guard parts.count == 2 else { return "none" }
    var status = [CChar](repeating: 0, count: 256)
    let number = (parts[0] << 8) | (parts[1] & 0xff) | ((parts[1] & ~0xff) << 12)
    guard netimg_dm_status(number, &status, status.count) == 0 else { return "none" }
    switch String(decoding: status.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) {
    case "verity V": return "verified"
    case "verity C": return "corrupt"
    default: return "none"
    }
  }

  private func writeIsRefused() -> Bool {
    let file = netimg_open("/etc/netimg-write-test", O_WRONLY | O_CREAT | O_EXCL, 0o600)
    if file >= 0 {
      close(file)
      unlink("/etc/netimg-write-test")
      return false
    }
    return netimg_errno() == EROFS
  }

  private func stage0Value(_ key: String) -> String {
    value(of: key, in: Boot.Path.report)
  }

  private func osReleaseValue(_ key: String) -> String {
    value(of: key, in: "/usr/lib/os-release")
  }

  private func value(of key: String, in path: String) -> String {
    for line in lines(of: path) where line.utf8.starts(with: "\(key)=".utf8) {
      return String(line.dropFirst(key.count + 1))
    }
    return "unknown"
  }

  private func pcr11() -> String {
    lines(of: "/sys/class/tpm/tpm0/pcr-sha256/11").first ?? "none"
  }

  /// What the kernel refuses even root (kernel_lockdown(7)): Debian's kernel says `integrity` if it was started under
  /// Secure Boot, else `none`. The file has all levels, the present one in brackets.
  private func lockdown() -> String {
    let levels = lines(of: "/sys/kernel/security/lockdown").first?.split(separator: " ") ?? []
    return levels.first { $0.utf8.first == UInt8(ascii: "[") }.map { String($0.dropFirst().dropLast()) }
      ?? "unknown"
  }

  private func lines(of path: String) -> [String] {
    guard let bytes = try? System.readFile(path) else { return [] }
    return bytes.split(separator: 0x0a).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Standard output of a program, without its last newline; empty if it cannot run.
  private static func output(of arguments: [String]) -> String {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return "" }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addclose(&actions, ends[1])
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] = [
      strdup("SYSTEMD_COLORS=0"), strdup("SYSTEMD_PAGER="), nil,
    ]
    defer { for word in words + environment { free(word) } }
    var child: pid_t = 0
    let spawned = posix_spawn(&child, arguments[0], &actions, nil, &words, &environment) == 0
    close(ends[1])
    defer { close(ends[0]) }
    guard spawned else { return "" }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while bytes.count < 1 << 20 {
      let count = chunk.withUnsafeMutableBytes { read(ends[0], $0.baseAddress, $0.count) }
      if count <= 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    waitpid(child, nil, 0)
    while bytes.last == 0x0a { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }
}
