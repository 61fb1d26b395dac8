/// What a server takes over the network from those who hold keys.
package struct UploadSettings: Sendable, Hashable {
  /// Files with the public keys whose signed releases the library takes; without any it takes none.
  package var keys: [String] = []
  /// How many of them must have signed.
  package var threshold = 1
  /// The most unfinished uploads.
  package var open = 16
  /// Seconds after which one that nobody goes on with is forgotten.
  package var expire = 86400
  /// MiB that are left free on the disk.
  package var reserve = 256

  package init() {}
}
