import Bytes
import Manifest
import Testing

@testable import DebianArchive

@Suite struct LockAgainstManifestTests {
  typealias Fixture = LockFixture

  private static let packages = [
    Fixture.package("app"), Fixture.package("linux"), Fixture.package("stub", role: .build),
  ]

  private func check(
    _ image: ComposedImage, packages: [LockFile.Package] = packages, madeFor other: ComposedImage? = nil
  ) -> [String] {
    Fixture.lock(packages, image: other ?? image).check(against: image)
  }

  private let image = Fixture.image(Fixture.suite)

  @Test func aLockThatFitsHasNothingToSay() {
    #expect(check(image).isEmpty)
  }

  @Test func whatIsAskedForMustBeLocked() {
    let wanted = Fixture.image(Fixture.suite, include: ["app", "frr"])
    #expect(check(wanted, madeFor: image) == ["frr, asked for at manifests/router.yaml:3:5, is not locked"])
    let pinned = Fixture.image(Fixture.suite, include: ["app=2"])
    #expect(
      check(pinned, madeFor: image) == ["app is locked at 1, but manifests/router.yaml:3:5 asks for 2"])
  }

  @Test func aPackageForTheBuildDoesNotCountAsInTheImage() {
    let wanted = Fixture.image(Fixture.suite, include: ["app", "stub"])
    #expect(check(wanted) == ["stub, asked for at manifests/router.yaml:3:5, is not locked"])
  }

  @Test func theKernelAndTheStubMustBeLocked() {
    #expect(check(image, packages: [Fixture.package("app")]).count == 2)
  }

  @Test func whatIsExcludedMustNotBeLocked() {
    let excluding = Fixture.image(Fixture.suite, exclude: ["linux"])
    #expect(check(excluding) == ["linux is locked, but manifests/router.yaml:3:5 excludes it"])
  }

  @Test func anotherArchitectureImageOrArchiveIsSeen() {
    let arm = Fixture.image(Fixture.suite, architecture: .arm64)
    #expect(
      check(arm) == ["the lock was made for amd64, but manifests/router.yaml:3:5 asks for arm64"])
    let bookworm = Fixture.image(.fixture(.host(path: "/x"), suite: "bookworm"))
    #expect(check(bookworm).count == 2)
    var lock = Fixture.lock(Self.packages, image: image)
    lock.image = "other"
    #expect(lock.check(against: image) == ["the lock is for the image other, not router"])
  }

  @Test func aReviewThatIsGoneIsSeen() {
    let digest = SHA256.digest(of: [9])
    let script = LockFile.Script(name: "postinst", digest: digest, scriptClass: .reviewed, actions: [])
    let packages = [Fixture.package("app", scripts: [script])] + Self.packages.dropFirst()
    let review = ScriptReview(package: "app", script: .postinst, digests: [digest], reason: "read")
    #expect(check(Fixture.image(Fixture.suite, reviews: [review]), packages: packages).isEmpty)
    #expect(check(image, packages: packages).count == 1)
    let other = ScriptReview(package: "app", script: .preinst, digests: [digest], reason: "read")
    #expect(check(Fixture.image(Fixture.suite, reviews: [other]), packages: packages).count == 1)
  }

  @Test func anyOtherChangeThatMattersIsSeen() {
    let excluding = Fixture.image(Fixture.suite, exclude: ["lsof"])
    #expect(check(excluding, madeFor: image) == ["the manifest has changed since the lock was made"])
  }

  @Test func theInputsAreWhatDecidesAndNothingElse() {
    func inputs(_ image: ComposedImage) -> SHA256Digest { LockFile.inputs(of: image) }
    let base = inputs(image)
    #expect(inputs(Fixture.image(Fixture.suite)) == base)
    let keyring = Manifest.Suite.fixture(.repository(path: "x", bytes: [1]))
    let sections = Manifest.Suite(
      name: "trixie", keyring: Fixture.suite.keyring,
      sources: [SuiteSource(archive: "debian", suite: "trixie", sections: ["main", "contrib"])])
    let review = ScriptReview(
      package: "app", script: .postinst, digests: [SHA256.digest(of: [])], reason: "a")
    let changed = [
      Fixture.image(Fixture.suite, include: ["app", "b"]), Fixture.image(Fixture.suite, include: ["app=1"]),
      Fixture.image(Fixture.suite, exclude: ["b"]), Fixture.image(Fixture.suite, kernel: "b"),
      Fixture.image(Fixture.suite, stub: "b"), Fixture.image(Fixture.suite, architecture: .arm64),
      Fixture.image(keyring), Fixture.image(sections), Fixture.image(Fixture.suite, reviews: [review]),
    ]
    #expect(Set(changed.map(inputs) + [base]).count == changed.count + 1)
    // The same set in another order, or said twice, is the same.
    #expect(
      inputs(Fixture.image(Fixture.suite, include: ["b", "app", "b"]))
        == inputs(Fixture.image(Fixture.suite, include: ["app", "b"])))
    let other = ScriptReview(package: "app", script: .postinst, digests: [SHA256.digest(of: [])], reason: "b")
    #expect(inputs(Fixture.image(Fixture.suite, reviews: [other])) == inputs(changed[8]))
  }
}
