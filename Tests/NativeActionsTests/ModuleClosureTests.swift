import NativeActions
import Testing

@Suite struct ModuleClosureTests {
  private func resolve(_ names: [String], _ modules: [KernelModuleFixture] = KernelModuleFixture.family)
    throws
    -> ModuleClosure
  {
    try ModuleClosure.resolve(
      names, modules: try modules.map { try $0.parse() }, builtin: [UInt8](KernelModuleFixture.builtin.utf8),
      builtinModinfo: [UInt8](KernelModuleFixture.builtinModinfo.utf8))
  }

  @Test func followsHardSoftAndWeakDependencies() throws {
    let closure = try resolve(["wg-core"])
    #expect(closure.modules.map(\.name) == ["md5", "base", "curve_one", "tail", "tunnel", "wg_core"])
    #expect(closure.builtin.isEmpty)
    #expect(closure.unresolvedSoftDependencies.isEmpty)
  }

  @Test func leavesOutWhatNobodyNeeds() throws {
    #expect(try resolve(["tunnel"]).modules.map(\.name) == ["base", "tunnel"])
    #expect(try resolve([]).modules.isEmpty)
  }

  @Test func builtinNamesAreSatisfied() throws {
    let closure = try resolve(["binfmt-script", "built_in"])
    #expect(closure.modules.isEmpty)
    #expect(closure.builtin == ["binfmt_script", "built_in"])
  }

  @Test func aMissingDependencyNamesTheChain() throws {
    let modules = KernelModuleFixture.family.filter { $0.path != "kernel/lib/base.ko" }
    do {
      _ = try resolve(["wg-core"], modules)
      Issue.record("base is missing, but nothing was thrown")
    } catch let error as NativeActionError {
      #expect(error.code == .missing)
      #expect(error.origin == "base")
      #expect(error.message.contains("wg_core → "))
      #expect(error.message.contains(" → base;"))
    }
    #expect(code { _ = try resolve(["no_such"]) } == .missing)
  }

  @Test func softDependenciesThatNothingProvidesAreListed() throws {
    var module = KernelModuleFixture(path: "kernel/a.ko")
    module.fields = ["softdep=pre: crypto-none fs-script serial-x"]
    #expect(
      try resolve(["a"], [module]).unresolvedSoftDependencies == ["a: crypto-none", "a: serial-x"])
  }

  @Test func circularSoftDependenciesEnd() throws {
    let modules = [
      KernelModuleFixture(path: "a.ko", fields: ["softdep=post: b"]),
      KernelModuleFixture(path: "b.ko", fields: ["softdep=pre: a"]),
    ]
    #expect(try resolve(["a"], modules).modules.map(\.name) == ["a", "b"])
  }

  @Test func malformedBuiltinListNamesTheLine() {
    #expect(
      code {
        _ = try ModuleClosure.resolve(
          [], modules: [], builtin: [UInt8]("kernel/a.ko\n/b.ko\n".utf8), builtinModinfo: [])
      } == .malformed)
  }
}
