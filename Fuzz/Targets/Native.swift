@testable internal import Bytes
@testable internal import NativeActions

extension FuzzTarget {
  static let nativeTargets = [
    FuzzTarget("tmpfiles", seeds: { ["lines": tmpfiles] }) { bytes in
      let lines = try Tmpfiles.parse(bytes, file: "fuzz")
      for line in lines { require(!line.path.slashSeparated().contains(".."), "paths stay inside") }
      _ = try Tmpfiles.buildActions(lines)
    },
    FuzzTarget("sysusers", seeds: { ["lines": sysusers] }) { bytes in
      var database = AccountDatabase.minimal
      try database.add(try Sysusers.parse(bytes, file: "fuzz"))
      let again = try AccountDatabase(
        passwd: database.passwd, passwdFile: "passwd", group: database.group, groupFile: "group")
      require(
        again.passwd == database.passwd && again.group == database.group, "accounts survive their files")
    },
    FuzzTarget("passwd", seeds: { ["root": Array("root:x:0:0:root:/root:/bin/sh\n".utf8)] }) { bytes in
      _ = try AccountDatabase(
        passwd: bytes, passwdFile: "passwd", group: Array("root:x:0:\n".utf8), groupFile: "group")
    },
    FuzzTarget("unit", seeds: { ["service": unit] }) { bytes in
      let file = try UnitFile.parse(
        bytes, file: "a.service", dropIns: [("b.conf", Array("[Service]\nX=".utf8))])
      _ = try file.executables()
      for text in ["a.service", "a@.service", "a@x.service"] {
        guard let name = UnitName(text) else { continue }
        let unit = UnitEnablement.Unit(name: name, path: "/usr/lib/systemd/system/\(text)", file: file)
        _ = try? UnitEnablement.links(enabling: [name]) { asked throws(NativeActionError) in
          UnitEnablement.Unit(name: asked, path: unit.path, file: file)
        }
      }
    },
    FuzzTarget(
      "presets", seeds: { ["rules": Array("enable a*.service\ndisable *\nenable b@.service x y\n".utf8)] }
    ) {
      bytes in
      var presets = Presets()
      try presets.append(bytes, file: "fuzz")
      for name in ["a.service", "b@.service", "b@x.service"] { _ = UnitName(name).map(presets.decide) }
    },
    FuzzTarget(
      "ldsoconf", seeds: { ["two": Array("# a\n/usr/lib/a\ninclude /etc/ld.so.conf.d/*.conf\n".utf8)] }
    ) {
      bytes in
      for case .directory(let path) in try LdSoConf.parse(bytes, file: "fuzz") {
        require(path.utf8.first == UInt8(ascii: "/"), "a directory is absolute")
      }
    },
    FuzzTarget("elf", maximumLength: 8192, seeds: { ["library": library] }) { bytes in
      let file = try ELFFile(bytes, path: "fuzz")
      for section in file.sections { _ = file.data(ofSection: section.name)?.count }
    },
    FuzzTarget("module", maximumLength: 8192, seeds: { modules }) { bytes in
      let module = try ModuleInfo.parse(ko: bytes, path: "kernel/fuzz.ko")
      _ = try ModuleIndexes.encode(modules: [module], order: nil, builtin: nil, builtinModinfo: nil)
      _ = try ModuleClosure.resolve(["fuzz"], modules: [module], builtin: [], builtinModinfo: [])
    },
    FuzzTarget(
      "builtin",
      seeds: { ["two": Array("kernel/a.ko\nkernel/b-c.ko\n\0a.alias=pci:v*\0b.license=GPL\0".utf8)] }
    ) { bytes in
      let end = bytes.firstIndex(of: 0) ?? bytes.endIndex
      _ = try ModuleIndexes.encode(
        modules: [], order: Array(bytes[..<end]), builtin: Array(bytes[..<end]),
        builtinModinfo: Array(bytes[end...].dropFirst()))
    },
  ]

  private static let tmpfiles = Array(
    """
    # a comment
    d /run/a 0755 root root 10d -
    f+! /etc/b ~0640 a b - two\\x20words
    L+ /etc/c - - - - ../usr/c
    C /var/d - - - -
    w- /proc/e - - - - "1 2"
    z /usr/f/* 0600 0 0
    a+ /run/g - - - - u:a:rwx
    x /tmp/%m/%b
    r! /etc/h

    """.utf8)

  private static let sysusers = Array(
    """
    u a 300 "A user" /var/a /bin/sh
    u! b - -
    u c 301:300 "" - -
    g d 302
    m a d
    r - 500-600

    """.utf8)

  private static let unit = Array(
    """
    # a comment
    [Unit]
    Description=a\\
      b
    [Service]
    ExecStart=-/usr/bin/a "b c" %i \\x20
    ExecStartPre=!!/usr/bin/d
    [Install]
    WantedBy=multi-user.target
    RequiredBy=a.target
    Alias=b.service
    Also=a@x.service
    DefaultInstance=x

    """.utf8)

  private static let library: [UInt8] = {
    var elf = MiniELF()
    elf.interpreter = "/lib64/ld.so"
    elf.dynamicStrings = ["liba.so.1", "libc.so.6", "/usr/lib/a:/usr/lib/b"]
    elf.dynamic = [(14, .string(0)), (1, .string(1)), (29, .string(2))]
    elf.sections = [(".text", [0x90]), (".data", [1, 2, 3])]
    return elf.encode()
  }()

  private static let modules: [String: [UInt8]] = [
    "module": {
      var elf = MiniELF()
      elf.kind = 1
      let fields = [
        "license=GPL", "alias=pci:v00008086d*", "depends=", "softdep=pre: a", "vermagic=6.12 SMP",
      ]
      elf.sections = [
        (".modinfo", fields.flatMap { Array($0.utf8) + [0] }),
        (
          ".symtab",
          [UInt8](repeating: 0, count: 24) + [1, 0, 0, 0, 0x10, 0] + [UInt8](repeating: 0, count: 18)
        ),
        (".strtab", [0] + Array("printk\0".utf8)),
      ]
      return elf.encode()
    }()
  ]
}
