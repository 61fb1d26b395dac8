import Testing

@testable import NativeActions

/// Mutations of good inputs: every parser reads them or refuses them in a sentence that names the place.
@Suite struct HostileInputTests {
  private static let rounds = 1500

  private func attack(_ golden: [UInt8], seed: UInt64, _ parse: ([UInt8]) throws(NativeActionError) -> Void) {
    var generator = SeededGenerator(seed: seed)
    var refused = 0
    for _ in 0..<Self.rounds {
      do throws(NativeActionError) {
        try parse(generator.mutate(golden))
      } catch {
        refused += 1
        #expect(error.origin.hasPrefix("evil") || error.origin.hasPrefix("modules."), "\(error)")
        #expect(error.description == "\(error.origin): \(error.message)")
        #expect(
          !error.message.isEmpty && !error.message.hasSuffix(".") && !error.message.contains("\n"), "\(error)"
        )
      }
    }
    // Mutations that nothing minds would prove nothing.
    #expect(refused > Self.rounds / 20)
  }

  @Test func elfFiles() {
    attack(ELFFileTests.golden.encode(), seed: 1) { (bytes) throws(NativeActionError) in
      _ = try ELFFile(bytes, path: "evil")
    }
  }

  @Test func kernelModules() {
    attack(KernelModuleFixture.family[1].encode(), seed: 2) { (bytes) throws(NativeActionError) in
      let module = try ModuleInfo.parse(ko: bytes, path: "evil.ko")
      _ = try ModuleIndexes.encode(modules: [module], order: nil, builtin: nil, builtinModinfo: nil)
    }
  }

  @Test func builtinModules() {
    attack([UInt8](KernelModuleFixture.builtin.utf8), seed: 3) { (bytes) throws(NativeActionError) in
      _ = try ModuleIndexes.encode(modules: [], order: bytes, builtin: bytes, builtinModinfo: bytes)
    }
  }

  @Test func sysusers() {
    attack([UInt8](SysusersTests.golden.utf8), seed: 4) { (bytes) throws(NativeActionError) in
      let lines = try Sysusers.parse(bytes, file: "evil.conf")
      var database = AccountDatabase.minimal
      do throws(NativeActionError) {
        try database.add(lines)
      } catch {
        // Not the parser's: what the lines ask for may well clash.
        #expect([.conflict, .missing, .exhausted].contains(error.code))
      }
      let passwd = String(decoding: database.passwd, as: UTF8.self).split(separator: "\n")
      #expect(passwd.allSatisfy { $0.split(separator: ":", omittingEmptySubsequences: false).count == 7 })
      #expect(passwd.allSatisfy { $0.hasSuffix(":/usr/sbin/nologin") })
    }
  }

  @Test func tmpfiles() {
    let golden = TmpfilesParseTests.golden.replacing("w /proc/x - - - - -\n", with: "")
    attack([UInt8](golden.utf8), seed: 5) { (bytes) throws(NativeActionError) in
      let lines = try Tmpfiles.parse(bytes, file: "evil.conf")
      #expect(lines.allSatisfy { $0.path.hasPrefix("/") && !$0.path.split(separator: "/").contains("..") })
      _ = try Tmpfiles.buildActions(lines.filter { !["%", "/etc/with"].contains($0.path) })
    }
  }

  @Test func unitFiles() {
    attack([UInt8](UnitFileTests.golden.utf8), seed: 6) { (bytes) throws(NativeActionError) in
      let unit = try UnitFile.parse(bytes, file: "evil.service")
      _ = try unit.executables()
      _ = try unit.words("Install", "WantedBy")
    }
  }

  @Test func presets() {
    attack([UInt8]("# x\nenable a@.service one two\ndisable b*.socket\nignore [a-c]?\n".utf8), seed: 7) {
      (bytes) throws(NativeActionError) in
      var presets = Presets()
      try presets.append(bytes, file: "evil.preset")
      if let name = UnitName("a@one.service") { _ = presets.decide(name) }
    }
  }

  @Test func startSets() {
    attack([UInt8]("root:*:0:0:root:/root:/bin/bash\nnobody:*:65534:65534:n:/:/x\n".utf8), seed: 8) {
      (bytes) throws(NativeActionError) in
      _ = try AccountDatabase(passwd: bytes, passwdFile: "evil", group: [], groupFile: "evil")
    }
  }

  @Test func certificates() {
    attack([UInt8](CertificateBundleTests.pem.utf8), seed: 9) { (bytes) throws(NativeActionError) in
      let bundle = try CertificateBundle([CertificateBundle.Source(path: "evil.crt", pem: bytes)])
      #expect(bundle.text.starts(with: "-----BEGIN CERTIFICATE-----\n".utf8))
    }
  }

  @Test func loaderConfiguration() {
    attack([UInt8]("include /etc/ld.so.conf.d/*.conf\n/usr/lib/é\n".utf8), seed: 10) {
      (bytes) throws(NativeActionError) in
      _ = try LdSoConf.parse(bytes, file: "evil/ld.so.conf")
    }
  }
}
