internal import BlobStore
internal import Bytes
internal import DebianPackage
internal import Manifest

/// Decides what the lock says of each maintainer script: what the classifier knows, or what a person has
/// reviewed.
struct ScriptJudge: Sendable {
  /// A script that nobody has judged.
  struct Finding: Sendable {
    let package: SolvedPackage
    let script: ScriptName
    let digest: SHA256Digest
    /// The first statement that is not understood.
    let line: Int
    let text: String
    /// Whether another text of this script was reviewed.
    let hasChanged: Bool
  }

  /// What the lock records of one package.
  struct Verdict: Sendable {
    var scripts: [LockFile.Script] = []
    var triggers: [LockFile.Trigger] = []
    var findings: [Finding] = []
    /// Positions in `reviews` of those that were used.
    var usedReviews: Set<Int> = []
  }

  let reviews: [Located<ScriptReview>]

  /// Reads a package's control area.
  /// - Throws: `badPackage` if it cannot be read, or is another package than its index says.
  func verdict(on bytes: [UInt8], of package: SolvedPackage) throws(ArchiveError) -> Verdict {
    var verdict = Verdict()
    do throws(DebianPackageError) {
      let file = try DebFile(bytes: bytes, name: package.fetchItem.name)
      guard file.packageName == package.name, file.version.description == package.version else {
        throw DebianPackageError(
          .corrupt,
          "\(file.name) is \(file.packageName) \(file.version.description), but the index calls it "
            + "\(package.name) \(package.version)")
      }
      for name in ScriptName.allCases {
        if let script = file.scripts[name] { judge(script, name, package, &verdict) }
      }
      for trigger in try TriggerClassifier.classify(file.triggers ?? [], file: "\(file.name): triggers") {
        let triggerClass: LockFile.ScriptClass = trigger.class == .known ? .known : .inert
        verdict.triggers.append(LockFile.Trigger(text: trigger.text, triggerClass: triggerClass))
      }
    } catch {
      throw ArchiveError(.badPackage, error.description)
    }
    return verdict
  }

  private func judge(
    _ script: [UInt8], _ name: ScriptName, _ package: SolvedPackage, _ verdict: inout Verdict
  ) {
    let digest = SHA256.digest(of: script)
    func record(_ scriptClass: LockFile.ScriptClass, _ actions: [String] = []) {
      verdict.scripts.append(
        LockFile.Script(name: name.rawValue, digest: digest, scriptClass: scriptClass, actions: actions))
    }
    let mine = reviews.indices.filter {
      reviews[$0].value.package == package.name && reviews[$0].value.script.rawValue == name.rawValue
    }
    // A person's word goes before the classifier's: a review may replace what the builder would have done.
    if let review = mine.first(where: { reviews[$0].value.digests.contains(digest) }) {
      verdict.usedReviews.insert(review)
      return record(.reviewed)
    }
    let classification = ScriptClassifier.classify(script, name: name)
    switch classification.class {
    case .inert: record(.inert)
    case .notRun: record(.notRun)
    case .known: record(.known, classification.actions.map(\.description))
    case .unknown:
      let first = classification.firstUnknown
      verdict.usedReviews.formUnion(mine)
      verdict.findings.append(
        Finding(
          package: package, script: name, digest: digest, line: first?.line ?? 1, text: first?.text ?? "",
          hasChanged: !mine.isEmpty))
    }
  }

  /// Reviews that no script of the image needs, as warnings.
  func unusedReviews(_ verdicts: [Verdict]) -> [String] {
    let used = verdicts.reduce(into: Set<Int>()) { $0.formUnion($1.usedReviews) }
    return reviews.indices.filter { !used.contains($0) }.map { index in
      let review = reviews[index]
      let label = "\(review.value.package) \(review.value.script.rawValue) at \(review.location)"
      return "the review of \(label) fits no script of this image; remove it, or correct its sha256"
    }
  }
}
