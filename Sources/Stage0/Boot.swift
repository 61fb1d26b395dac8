internal import Bytes
internal import CPosixShim
internal import FrameFormat

/// Stage 0: from the kernel's first process to systemd on a verified, read-only root. docs/boot.md tells the story.
package struct Boot {
  /// Where the initrd keeps what this program needs (docs/formats/initrd.md).
  package enum Path {
    package static let index = "/netimg/index"
    package static let frames = "/netimg/frames"
    package static let modules = "/netimg/modules"
    package static let moduleOrder = "/netimg/modules/order"
    package static let report = "/run/netimg/stage0"
    static let root = "/sysroot"
    static let systemd = "/usr/lib/systemd/systemd"
  }

  private let console = Console()
  private var onFailure = BootOptions.FailureAction.stop

  package init() {}

  /// Boots, and does not return: either systemd takes over, or the failure is on the console and the machine stops.
  package mutating func run() -> Never {
    do throws(Stage0Error) {
      try prepareKernelFileSystems()
      let commandLine = try System.readFile("/proc/cmdline")
      onFailure = BootOptions.failureAction(commandLine: commandLine)
      let options = try BootOptions(commandLine: commandLine)
      try loadModules()
      let index = try readIndex(options)
      try mountRoot(index)
      try enterRoot()
    } catch {
      fail(error)
    }
    fail(Stage0Error("systemd did not start"))
  }

  private func prepareKernelFileSystems() throws(Stage0Error) {
    let noExecution = netimg_ms_nosuid | netimg_ms_noexec | netimg_ms_nodev
    for path in ["/dev", "/proc", "/sys", "/run", Path.root] { try System.makeDirectory(path) }
    try System.mount(
      "devtmpfs", from: "devtmpfs", on: "/dev", flags: netimg_ms_nosuid, options: "mode=0755")
    try System.mount("proc", from: "proc", on: "/proc", flags: noExecution)
    try System.mount("sysfs", from: "sysfs", on: "/sys", flags: noExecution)
    try System.mount(
      "tmpfs", from: "tmpfs", on: "/run", flags: netimg_ms_nosuid | netimg_ms_nodev, options: "mode=0755")
    try System.makeDirectory("/run/netimg")
  }

  private func loadModules() throws(Stage0Error) {
    for module in try moduleFiles() {
      do {
        try System.loadModule(module.path)
      } catch  where module.isOptional {
        // For instance SHA-256 on instructions that this CPU does not have; the kernel's own C code does it then.
      }
    }
  }

  /// One file name a line, dependencies first: the builder has sorted them. `?` marks one that may fail.
  private func moduleFiles() throws(Stage0Error) -> [(path: String, isOptional: Bool)] {
    try System.readFile(Path.moduleOrder).split(separator: 0x0a).map { line in
      let isOptional = line.first == 0x3f
      let name = String(decoding: isOptional ? line.dropFirst() : line, as: UTF8.self)
      return ("\(Path.modules)/\(name)", isOptional)
    }
  }

  private func readIndex(_ options: BootOptions) throws(Stage0Error) -> RootIndex {
    let bytes = try System.readFile(Path.index)
    let digest = SHA256.digest(of: bytes)
    if let expected = options.index, expected != digest {
      throw Stage0Error(
        "the root image index has SHA-256 \(digest.hex), but netimg.index on the command line asks for \(expected.hex)"
      )
    }
    do {
      return try RootIndex.decode(bytes)
    } catch {
      throw Stage0Error(error.message)
    }
  }

  private func mountRoot(_ index: RootIndex) throws(Stage0Error) {
    let threads = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let image = try RootImage.assemble(index, framesIn: Path.frames, threads: threads, consuming: true)
    let loop = netimg_loop_attach(image, index.imageSize)
    guard loop >= 0 else { throw Stage0Error(call: "cannot attach the root image to a loop device") }

    let blocks = index.dataSize / UInt64(RootIndex.blockSize)
    // dm-verity's table (Documentation/admin-guide/device-mapper/verity.rst): format 1, the tree behind its superblock.
    let table =
      "1 /dev/loop\(loop) /dev/loop\(loop) \(RootIndex.blockSize) \(RootIndex.blockSize) \(blocks) \(blocks + 1) sha256 \(index.rootHash.hex) -"
    var device: UInt64 = 0
    let identity = Hex.encode(index.rootHash.bytes.prefix(16))
    guard
      netimg_dm_create(
        "netimg-root", "CRYPT-VERITY-\(identity)-netimg-root", "verity", table, index.dataSize / 512, &device)
        == 0
    else { throw Stage0Error(call: "the kernel refuses the dm-verity device for the root image") }
    let minor = (device & 0xff) | ((device >> 12) & 0xfff00)
    try System.mount("erofs", from: "/dev/dm-\(minor)", on: Path.root, flags: netimg_ms_rdonly)

    let milliseconds = System.uptimeMilliseconds
    try System.writeFile(
      Path.report,
      Array(
        """
        root-hash=\(index.rootHash.hex)
        frames=\(index.frames.count)
        image-bytes=\(index.imageSize)
        uptime-milliseconds=\(milliseconds)

        """.utf8))
    console.inform(
      "root image verified: \(index.frames.count) frames, \(index.imageSize >> 20) MiB, root hash \(index.rootHash.hex)"
    )
  }

  private func enterRoot() throws(Stage0Error) {
    for path in ["/dev", "/proc", "/sys", "/run"] { try System.moveMount(path, to: Path.root + path) }
    releaseInitrd()
    guard chdir(Path.root) == 0 else { throw Stage0Error(call: "cannot enter the root image") }
    try System.moveMount(".", to: "/")
    guard chroot(".") == 0, chdir("/") == 0 else {
      throw Stage0Error(call: "cannot make the root image the root")
    }
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(Path.systemd), nil]
    var environment: [UnsafeMutablePointer<CChar>?] = [strdup("TERM=linux"), nil]
    execve(Path.systemd, &arguments, &environment)
    throw Stage0Error(call: "cannot execute \(Path.systemd)")
  }

  /// Gives the initrd's memory back. Failures only cost memory, so they are not looked at.
  private func releaseInitrd() {
    if let modules = try? moduleFiles() {
      for module in modules { unlink(module.path) }
    }
    for path in [Path.moduleOrder, Path.index, "/init"] { unlink(path) }
    for path in [Path.modules, Path.frames, "/netimg"] { rmdir(path) }
  }

  private func fail(_ error: Stage0Error) -> Never {
    switch onFailure {
    case .stop:
      console.fail("cannot boot: \(error.message); halted")
      netimg_reboot(Int32(bitPattern: NETIMG_REBOOT_HALT))
    case .reboot:
      console.fail("cannot boot: \(error.message); rebooting in 10 s")
      sleep(10)
      netimg_reboot(NETIMG_REBOOT_RESTART)
    case .powerOff:
      console.fail("cannot boot: \(error.message); switching off")
      netimg_reboot(NETIMG_REBOOT_POWER_OFF)
    }
    // PID 1 must never end: the kernel would panic over the reason on the screen.
    while true { pause() }
  }
}
