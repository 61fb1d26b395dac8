internal import FoundationEssentials
internal import Glibc

/// One parser under libFuzzer. It may throw what it likes, and its errors must be printable; it must not trap, hang,
/// leak or need more memory than the driver allows. `check` states what must hold for inputs that are accepted.
struct FuzzTarget {
  let name: String
  /// The longest input that is worth trying.
  let maximumLength: Int
  let check: @Sendable ([UInt8]) throws -> Void
  /// Small valid inputs, from our own encoders or written by hand.
  let seeds: @Sendable () throws -> [String: [UInt8]]

  init(
    _ name: String, maximumLength: Int = 4096, seeds: @escaping @Sendable () throws -> [String: [UInt8]],
    check: @escaping @Sendable ([UInt8]) throws -> Void
  ) {
    self.name = name
    self.maximumLength = maximumLength
    self.check = check
    self.seeds = seeds
  }

  static let all: [FuzzTarget] =
    manifestTargets + archiveTargets + storeTargets + packageTargets + imageTargets + signingTargets
    + secureBootTargets + nativeTargets + updateTargets + networkTargets + serveTargets + gitTargets
    + channelTargets + uploadTargets

  /// The target that `NETIMG_FUZZ_TARGET` names.
  static let chosen: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["NETIMG_FUZZ_TARGET"] ?? ""
    guard let target = all.first(where: { $0.name == name }) else {
      print("NETIMG_FUZZ_TARGET is one of: \(all.map(\.name).joined(separator: " "))")
      exit(64)
    }
    return target
  }()
}

/// Stops the fuzzer: something holds no longer that must hold for every accepted input.
func require(_ condition: @autoclosure () throws -> Bool, _ what: StaticString) rethrows {
  guard try condition() else { fatalError("\(what)") }
}

/// `NETIMG_FUZZ_SEEDS=DIRECTORY` writes the seed corpora there, and `NETIMG_FUZZ_LIST=1` lists the targets.
@_cdecl("LLVMFuzzerInitialize")
func initialize(_ count: UnsafeMutablePointer<Int32>?, _ arguments: UnsafeMutableRawPointer?) -> Int32 {
  let environment = ProcessInfo.processInfo.environment
  if environment["NETIMG_FUZZ_LIST"] != nil {
    for target in FuzzTarget.all { print("\(target.name) \(target.maximumLength)") }
    leave(0)
  }
  guard let directory = environment["NETIMG_FUZZ_SEEDS"] else { return 0 }
  do {
    for target in FuzzTarget.all {
      let folder = "\(directory)/\(target.name)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for (name, bytes) in try target.seeds() {
        // A seed that its own target refuses is of little use.
        do { try target.check(bytes) } catch { print("\(target.name)/\(name) is refused: \(error)") }
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
    }
  } catch {
    print("cannot write the seeds: \(error)")
    leave(1)
  }
  leave(0)
}

/// Ends without the leak check, which would find what libFuzzer itself has not yet taken care of.
private func leave(_ status: Int32) -> Never {
  fflush(nil)
  _exit(status)
}

@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  do {
    try FuzzTarget.chosen.check(bytes)
  } catch {
    require(!"\(error)".isEmpty, "an error says something")
  }
  return 0
}
