import Bytes
import NativeActions

/// A kernel module built by hand: object file, `.modinfo`, symbol table.
struct KernelModuleFixture {
  var path: String
  var fields: [String] = []
  var exports: [String] = []
  var requires: [String] = []
  /// Names in `__versions`.
  var versions: [String] = []

  func encode() -> [UInt8] {
    var elf = MiniELF()
    elf.kind = 1
    elf.sections.append((".modinfo", fields.flatMap { [UInt8]($0.utf8) + [0] }))
    var strings: [UInt8] = [0]
    var symbols = ByteWriter()
    symbols.fill(24)
    for (name, section) in exports.map({ ("__crc_\($0)", UInt16(0xFFF1)) })
      + requires.map({ ($0, UInt16(0)) })
    {
      symbols.littleEndian(UInt32(strings.count))
      symbols.append([0x10, 0])
      symbols.littleEndian(section)
      symbols.fill(16)
      strings += [UInt8](name.utf8) + [0]
    }
    elf.sections.append((".symtab", symbols.bytes))
    elf.sections.append((".strtab", strings))
    if !versions.isEmpty {
      var table = ByteWriter()
      for name in versions {
        table.fill(8)
        table.append(name.utf8)
        table.fill(56 - name.utf8.count)
      }
      elf.sections.append(("__versions", table.bytes))
    }
    return elf.encode()
  }

  func parse() throws -> ModuleInfo { try ModuleInfo.parse(ko: encode(), path: path) }

  /// A small family: chains, aliases with brackets, soft dependencies, device names, a name with a dash.
  static let family = [
    KernelModuleFixture(
      path: "kernel/net/wg-core.ko",
      fields: [
        "license=GPL", "alias=rtnl-link-wg", "alias=net-pf-16-proto-16-family-wg",
        "softdep=pre: crypto-md5 post: tail",
        "depends=tunnel,curve-one", "vermagic=6.12.1 SMP",
      ], requires: ["tunnel_open", "curve_mul", "printk"], versions: ["module_layout", "tunnel_open"]),
    KernelModuleFixture(
      path: "kernel/net/tunnel.ko",
      fields: [
        "alias=devname:net/tun", "alias=char-major-10-200", "alias=pci:v00008086d[0-9]*sv*", "depends=base",
      ],
      exports: ["tunnel_open", "tunnel_close"], requires: ["base_alloc"]),
    KernelModuleFixture(
      path: "kernel/lib/curve-one.ko", fields: ["alias=crypto-curve"], exports: ["curve_mul"],
      requires: ["base_alloc"]),
    KernelModuleFixture(
      path: "kernel/lib/base.ko", fields: ["firmware=base.bin"], exports: ["base_alloc", "base_free"]),
    KernelModuleFixture(
      path: "kernel/crypto/md5.ko",
      fields: ["alias=md5", "alias=crypto-md5", "alias=block-major-7-*", "weakdep=tail"]),
    KernelModuleFixture(
      path: "kernel/lib/tail.ko", fields: ["depends=base"], requires: ["base_free", "base_free"]),
  ]
  /// `depmod` takes modules that this leaves out as the directories happen to list them, so it leaves out none.
  static let order = """
    kernel/lib/base.ko
    kernel/net/tunnel.ko
    kernel/net/wg-core.ko
    kernel/none/gone.ko
    kernel/crypto/md5.ko
    kernel/lib/curve-one.ko
    kernel/lib/tail.ko

    """
  static let builtin = "kernel/fs/binfmt_script.ko\nkernel/drivers/tty/serial/8250/built-in.ko\n"
  static let builtinModinfo =
    "built_in.alias=serial:x[1-2]*\0built_in.license=GPL\0binfmt_script.alias=fs-script\0cut.alias="
}
