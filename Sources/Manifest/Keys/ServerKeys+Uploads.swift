extension ServerKeys {
  static let uploadKeys = Key(
    "keys", .values(of: .text(.hostPath)),
    "Public keys (.pub files): the library takes releases that they have signed; without any it takes none over the network.",
    example: "[ci.pub]")
  static let uploadThreshold = Key(
    "threshold", .integer(1...64), "How many of them must have signed; 1 if it is missing.", example: "2")
  static let uploadOpen = Key(
    "open", .integer(1...1000),
    "The most unfinished uploads, of the library and of the repository each; 16 if it is missing.",
    example: "4")
  static let uploadExpire = Key(
    "expire", .duration, "When an unfinished upload is forgotten that nobody goes on with.", example: "2h",
    fallback: "24h")
  static let uploadReserve = Key(
    "reserve", .integer(0...1_000_000), "MiB that uploads leave free on the disk; 256 if it is missing.",
    example: "1024")

  static let uploadSettings = ValueType<UploadSettings>.object(
    "Uploads", "What is taken over the network from those who hold keys.",
    keys: [uploadKeys, uploadThreshold, uploadOpen, uploadExpire, uploadReserve]
  ) { fields, context in
    var uploads = UploadSettings()
    uploads.keys = fields[uploadKeys] ?? []
    if let threshold = fields[uploadThreshold] { uploads.threshold = threshold }
    if let open = fields[uploadOpen] { uploads.open = open }
    if let expire = fields[uploadExpire] { uploads.expire = expire }
    if let reserve = fields[uploadReserve] { uploads.reserve = reserve }
    if let threshold = fields.located(uploadThreshold), uploads.threshold > uploads.keys.count {
      context.report(
        .badValue, at: threshold.location, "threshold is more than there are keys",
        suggestion: "name more keys, or lower it")
    }
    return uploads
  }
}
