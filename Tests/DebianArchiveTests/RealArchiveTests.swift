import BlobStore
import Bytes
import FoundationEssentials
import Manifest
import TestSupport
import Testing

@testable import DebianArchive

extension Tag {
  /// Needs the host's mirrors to answer.
  @Tag static var network: Self
}

/// Debian 13 itself, from whatever mirrors this machine uses.
enum RealArchive {
  static let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
  static let suite = Manifest.Suite(
    name: "trixie", keyring: .host(path: keyring),
    sources: [
      SuiteSource(archive: "debian", suite: "trixie", sections: ["main"]),
      SuiteSource(archive: "debian", suite: "trixie-updates", sections: ["main"]),
      SuiteSource(archive: "debian-security", suite: "trixie-security", sections: ["main"]),
    ])

  static func mirrors() throws -> MirrorConfiguration {
    try MirrorConfiguration.load(flags: [], environment: [:])
  }

  /// Whether a mirror answers, a verifier is installed and the keyring is here.
  static func isReachable() async -> Bool {
    guard FileManager.default.isReadableFile(atPath: keyring), Tool.exists("gpgv") else { return false }
    let answer: Bool? = try? await withScratchDirectory { directory in
      var policy = FetchPolicy()
      policy.rounds = 1
      policy.connectTimeout = 3
      let fetcher = try Fetcher(
        mirrors: try mirrors(), store: try BlobStore(root: directory.path + "/store"), policy: policy)
      for source in suite.sources {
        guard let mirror = try mirrors().mirrors(of: source.archive).first?.base else { return false }
        _ = try await fetcher.fetchSmall("dists/\(source.suite)/InRelease", from: mirror, limit: 1 << 24)
      }
      return true
    }
    return answer ?? false
  }
}

@Suite(
  .tags(.network), .serialized,
  .enabled("the host's mirrors carry Debian 13 and answer") { await RealArchive.isReachable() })
struct RealArchiveTests {
  private static let names = ["frr", "iproute2", "linux-image-cloud-amd64", "nftables", "systemd", "udev"]

  @Test func theSolverAgreesWithApt() async throws {
    try await withScratchDirectory { directory in
      let fetcher = try Fetcher(
        mirrors: try RealArchive.mirrors(), store: try BlobStore(root: directory.path + "/store"))
      let loader = IndexLoader(
        fetcher: fetcher, verifier: try SignatureVerifier(environment: ["PATH": "/usr/bin"]))
      let suites = try await loader.load(RealArchive.suite, architecture: .amd64)
      #expect(suites.map(\.codename) == ["trixie", "trixie-updates", "trixie-security"])
      let indexes = suites.flatMap(\.indexes)
      let request = SolverRequest(
        architecture: "amd64",
        wanted: Self.names.map { SolverRequest.Wanted(name: $0, origin: "image test") })
      let solution = try PackageSolver.solve(request, over: indexes)
      #expect(solution.packages.allSatisfy { !$0.why.isEmpty && $0.size > 0 })
      guard Tool.exists("apt-get") else { return }
      let apt = try Apt(in: directory, indexes: indexes)
      #expect(solution.summary == (try apt.simulate(install: Self.names)))
    }
  }

  /// The whole way that an operator goes: lock, read what must be reviewed, review it, lock again.
  @Test func realPackagesAreLockedOnceTheirScriptsAreReviewed() async throws {
    try await withScratchDirectory { directory in
      let store = try BlobStore(root: directory.path + "/store")
      let fetcher = try Fetcher(mirrors: try RealArchive.mirrors(), store: store)
      let verifier = try SignatureVerifier(environment: ["PATH": "/usr/bin"])
      let locker = Locker(fetcher: fetcher, loader: IndexLoader(fetcher: fetcher, verifier: verifier))
      func image(_ reviews: [ScriptReview]) -> ComposedImage {
        // A small stand-in for a kernel spares the mirrors.
        LockFixture.image(
          RealArchive.suite, include: ["nftables", "adduser"], exclude: [], kernel: "wireless-regdb",
          stub: "systemd-boot-efi", reviews: reviews)
      }
      var reviews: [ScriptReview] = []
      do {
        _ = try await locker.lock(image([]))
      } catch let error as ArchiveError where error.code == .unreviewedScript {
        reviews = try Self.reviews(in: error.description)
        #expect(!reviews.isEmpty)
      }
      let outcome = try await locker.lock(image(reviews))
      #expect(outcome.lock.check(against: image(reviews)).isEmpty)
      #expect(outcome.lock.package(named: "systemd-boot-efi")?.role == .build)
      #expect(outcome.lock.package(named: "libc6")?.source == "glibc")
      let reviewed = outcome.lock.packages.flatMap(\.scripts).filter { $0.scriptClass == .reviewed }
      #expect(reviewed.count == reviews.count)
      let decoded = try LockFile(decoding: outcome.lock.encoded(), file: "router.lock")
      #expect(decoded == outcome.lock)
      // dpkg-deb reads the same control fields from the same files.
      for package in outcome.lock.packages {
        let fields = try Tool.run(
          "dpkg-deb",
          ["--show", "--showformat=${Package} ${Version} ${Architecture}", store.path(of: package.digest)],
          in: directory)
        #expect(fields == "\(package.name) \(package.version) \(package.architecture)")
      }
    }
  }

  /// The YAML that the error offers, taken at its word.
  private static func reviews(in text: String) throws -> [ScriptReview] {
    let lines = text.split(separator: "\n")
    var reviews: [ScriptReview] = []
    for (index, line) in lines.enumerated() where line.hasPrefix("  - package: ") {
      let script = try #require(
        MaintainerScriptName(rawValue: String(lines[index + 1].dropFirst("    script: ".count))))
      let digest = try #require(
        SHA256Digest(hex: lines[index + 2].dropFirst("    sha256: [".count).dropLast()))
      reviews.append(
        ScriptReview(
          package: String(line.dropFirst("  - package: ".count)), script: script, digests: [digest],
          reason: "read in a test"))
    }
    return reviews
  }
}

/// apt-get over the same package lists, in a directory of its own, with nothing installed.
struct Apt {
  private let root: URL

  init(in directory: URL, indexes: [PackageIndex]) throws {
    root = directory.appendingPathComponent("apt")
    for path in [
      "etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial", "log",
    ] {
      try FileManager.default.createDirectory(
        at: root.appendingPathComponent(path), withIntermediateDirectories: true)
    }
    var sources = ""
    for (number, index) in indexes.enumerated() {
      let list = root.appendingPathComponent("list\(number)")
      try FileManager.default.createDirectory(at: list, withIntermediateDirectories: true)
      try Data(index.text).write(to: list.appendingPathComponent("Packages"))
      sources += "deb [trusted=yes] file:\(list.path) ./\n"
    }
    try Data(sources.utf8).write(to: root.appendingPathComponent("etc/sources.list"))
    try Data().write(to: root.appendingPathComponent("status"))
    try run(["update"])
  }

  /// `name=version` of what would be installed, sorted by name.
  func simulate(install names: [String]) throws -> [String] {
    let output = try run(["--simulate", "--no-install-recommends", "install"] + names)
    return output.split(separator: "\n").compactMap { line in
      // Inst libc6 (2.41-12 localhost [amd64])
      let words = line.split(separator: " ")
      guard words.count > 2, words[0] == "Inst" else { return nil }
      return "\(words[1])=\(words[2].dropFirst())"
    }
    .sorted { $0.prefix { $0 != "=" } < $1.prefix { $0 != "=" } }
  }

  @discardableResult
  private func run(_ arguments: [String]) throws -> String {
    let settings = [
      "Dir::Etc": "\(root.path)/etc", "Dir::Etc::sourceparts": "-", "Dir::State": "\(root.path)/state",
      "Dir::State::status": "\(root.path)/status", "Dir::Cache": "\(root.path)/cache",
      "Dir::Log": "\(root.path)/log",
      "APT::Architecture": "amd64", "APT::Sandbox::User": "", "Acquire::Languages": "none",
    ]
    let options = settings.sorted { $0.key < $1.key }.flatMap { ["-o", "\($0.key)=\($0.value)"] }
    return try Tool.run("apt-get", ["--quiet", "--yes"] + options + arguments, in: root)
  }
}
