extension DecodingContext {
  /// Reads a file that the manifest names, relative to the manifest's own directory. `nil` if it was
  /// reported as missing or unreadable.
  mutating func readSource(_ path: String, at location: SourceLocation) -> (path: String, file: SourceFile)? {
    guard let resolved = SourcePath.resolve(path, from: SourcePath.directory(of: file)), !resolved.isEmpty
    else {
      report(
        .unreadable, at: location, "\(path) leads out of the repository",
        suggestion: "copy the file into the repository and name it relative to this manifest")
      return nil
    }
    do {
      guard let found = try tree?.file(at: resolved) else {
        report(
          .notFound, at: location, "there is no file \(resolved)",
          suggestion: nearestFile(to: resolved).map { "did you mean \($0)?" }
            ?? "add it, or name another relative to this manifest")
        return nil
      }
      sources.add(found, at: resolved)
      return (resolved, found)
    } catch {
      report(.unreadable, at: location, "\(resolved) cannot be read: \(error)")
      return nil
    }
  }

  private func nearestFile(to path: String) -> String? {
    let directory = SourcePath.directory(of: path)
    guard let entries = try? tree?.list(directory) else { return nil }
    let names = entries.filter { $0.kind == .file }.map { SourcePath.join(directory, $0.name) }
    return Suggestions.nearest(to: path, among: names)
  }
}
