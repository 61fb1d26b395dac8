package import ImageBuilder
package import Signing

/// Where releases that are sent to a server go: a repository, or a boot server's library.
package protocol UploadDestination: Sendable {
  /// The directory of what is on its way; on the same disk as the rest.
  var uploads: String { get }
  /// Whose signatures authorise an upload, and how many of them.
  /// - Throws: `UploadError` `.refused` if nobody's do.
  func authority() throws -> ChannelPolicy.Authority
  /// Further keys whose signatures on a release's envelopes are kept.
  func witnesses() throws -> [PublicKey]
  /// Looks at whether the release may come here.
  /// - Returns: Whether it is here for all to see.
  /// - Throws: `UploadError` `.conflict` if another one has its name and version.
  func check(_ release: Release, _ manifest: [UInt8]) throws -> Bool
  /// Bytes that are here already, or seem to be: nobody has looked at them.
  /// - Parameter image: The image whose releases may have shared them.
  func files(like image: String) -> any UploadSource
  /// An envelope or signed program that is here of a release.
  func companion(_ name: String, of release: String) throws -> [UInt8]?
  /// Takes over a release that lies in a directory as ``ReleaseReader`` reads it; every check is made there.
  /// - Returns: Whether anything changed, and how many bytes were new.
  func publish(_ directory: String) async throws -> (isChanged: Bool, bytes: Int)
}

/// Bytes by their SHA-256.
package protocol UploadSource: Sendable {
  /// Where a file of these contents and this size lies as a whole.
  func file(_ digest: String, size: Int) -> String?
  /// Where such bytes lie, perhaps inside of a file.
  func slice(_ digest: String, size: Int) -> LocalFiles.Slice?
}
