internal import ArgumentParser
internal import BlobStore
internal import FoundationEssentials
internal import ImageBuilder
internal import Inspection

/// `netimg build --verify-against`
extension BuildCommand {
  /// Rebuilds from the packages alone, compares, and ends with 2 if anything differs.
  func compare(_ inputs: BuildInputs, with release: String, _ blobs: BlobStore, _ progress: Progress)
    async throws
  {
    let (built, notes) = try await build(inputs, blobs, progress, usesKept: false)
    progress.begin("Comparing")
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("netimg-rebuilt-\(UUID())")
      .path
    Interruption.remember(scratch)
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let comparison = try await ReleaseComparison(release, rebuilt: built, scratch: scratch)
    if let output { try await built.write(to: output, signer: nil, replacing: replace) }
    progress.end()
    for note in notes { Console.error("Note: \(note)") }
    if common.json {
      Console.json(ComparisonReport(path: release, same: comparison.isSame, comparison: comparison))
    } else {
      Console.out(text(comparison, release))
    }
    if !comparison.isSame { throw ExitCode(ExitStatus.difference) }
  }

  private func text(_ comparison: ReleaseComparison, _ release: String) -> String {
    guard !comparison.isSame else {
      return
        "\(release) is what these sources give: rebuilt, and the same to the last byte\n  release    sha256:\(comparison.release)"
    }
    var lines = ["\(release) is not what these sources give here"]
    if !comparison.damaged.isEmpty {
      lines.append("Damaged in the release itself:")
      lines += comparison.damaged.map { "  \($0)" }
    }
    if !comparison.inputs.isEmpty { lines.append("Inputs that differ (recorded → here):") }
    for input in comparison.inputs {
      lines.append("  \(input.name): \(input.recorded ?? "none") → \(input.here ?? "none")")
      if let advice = input.advice { lines.append("    \(advice)") }
    }
    if !comparison.artifacts.isEmpty {
      lines.append(
        comparison.inputs.isEmpty
          ? "Bytes that differ although all recorded inputs are the same:" : "Bytes that differ:")
    }
    for artifact in comparison.artifacts {
      let offset = artifact.offset.map { " first at byte \($0)" } ?? ""
      let place = artifact.place.map { " (\($0))" } ?? ""
      let only =
        artifact.size == nil
        ? " only the rebuild has it" : artifact.rebuiltSize == nil ? " the rebuild has none" : ""
      lines.append("  \(artifact.name):\(offset)\(place)\(only)")
    }
    if let files = comparison.files, !files.isEmpty {
      let changed = files.changed.map { "\($0.path): \($0.what.joined(separator: ", "))" }
      let all =
        changed + files.added.map { "\($0): only in the rebuild" }
        + files.removed.map { "\($0): not in the rebuild" }
      lines.append("Paths of the root image that differ: \(all.count)")
      lines += all.prefix(20).map { "  \($0)" }
      if all.count > 20 { lines.append("  … (--json lists all)") }
    }
    return lines.joined(separator: "\n")
  }
}

/// What `netimg build --verify-against --json` prints.
private struct ComparisonReport: Encodable {
  let path: String
  let same: Bool
  let comparison: ReleaseComparison
}
