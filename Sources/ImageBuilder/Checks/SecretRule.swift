extension Rule {
  /// Private keys and tokens: a release is public, so nothing in it may be a secret.
  static let secret = Rule(name: "secret") { root in
    root.files.flatMap { file in
      file.scan.secrets.sorted { $0.value < $1.value }.map { kind, offset in
        (
          file.path,
          "holds \(kind) at byte \(offset)\(file.scan.isCompressed ? " of what it holds compressed" : ""), and everybody can read an image: leave it out, and give it to the device "
            + "at run time"
        )
      }
    }
  }
}
