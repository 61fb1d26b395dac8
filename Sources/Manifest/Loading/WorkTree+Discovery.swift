internal import Glibc

extension WorkTree {
  /// The repository that a manifest belongs to: the nearest directory above it with a folder `images`.
  ///
  /// `path` is the manifest's on disk. Returns the tree and the manifest's path from its root.
  package static func enclosing(manifest path: String) throws(ManifestError) -> (
    tree: WorkTree, manifestPath: String
  ) {
    let location = SourceLocation(file: path)
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let name = slash.map { String(path[path.utf8.index(after: $0)...]) } ?? path
    let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    guard !name.isEmpty, let resolved = realpath(parent, nil) else {
      throw ManifestError(
        .init(.notFound, at: location, "there is no such file", suggestion: "check the path of the manifest"))
    }
    defer { free(resolved) }
    var directory = String(cString: resolved)
    var relative = name
    while true {
      var status = stat()
      if stat(directory == "/" ? "/images" : directory + "/images", &status) == 0,
        status.st_mode & S_IFMT == S_IFDIR
      {
        return (WorkTree(root: directory), relative)
      }
      guard directory != "/", let cut = directory.utf8.lastIndex(of: UInt8(ascii: "/")) else {
        throw ManifestError(
          .init(
            .notFound, at: location, "no directory above the manifest has a folder images",
            suggestion: "make one in the root of the repository for the components"))
      }
      let component = String(directory[directory.utf8.index(after: cut)...])
      relative = "\(component)/\(relative)"
      directory = cut == directory.startIndex ? "/" : String(directory[..<cut])
    }
  }
}
