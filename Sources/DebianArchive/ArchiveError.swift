/// Why packages cannot be fetched, trusted, chosen or locked.
package struct ArchiveError: Error, Sendable, CustomStringConvertible {
  /// The stable kinds of failure; tests and callers compare these, people read the sentence.
  package enum Code: String, Sendable, Equatable, CaseIterable {
    /// A mirror setting cannot be read.
    case badConfiguration
    /// No mirror is known for an archive.
    case noMirror
    /// No mirror delivered the file.
    case unreachable
    /// Every mirror that answered delivered other bytes than the signed metadata promise.
    case mirrorLied
    /// A file is larger than the limit for its kind.
    case tooLarge
    /// Fetching was cancelled.
    case cancelled
    /// The network is needed, but offline work was asked for.
    case offline
    /// The local disk is full or fails.
    case localStorage
    /// Neither gpgv nor sqv is installed, or the keyring cannot be read.
    case noVerifier
    /// A Release file is unsigned, or not signed by a key of the keyring.
    case untrusted
    /// A Release file's Valid-Until has passed.
    case expired
    /// A Release file was made in the future.
    case fromTheFuture
    /// A Release file is older than one that was already seen.
    case replayed
    /// A Release file is of another suite.
    case wrongSuite
    /// A Release or Packages file breaks its format.
    case malformedIndex
    /// A Release file does not list an index that is needed.
    case missingIndex
    /// A requested or excluded package is in no archive.
    case unknownPackage
    /// A requested version is in no archive.
    case unknownVersion
    /// The dependencies of the requested packages cannot all be met.
    case unsolvable
    /// A maintainer script is neither known nor reviewed.
    case unreviewedScript
    /// A package file is not what its index says, or cannot be read.
    case badPackage
    /// A lock file breaks its format.
    case malformedLock
    /// A lock file is of a newer format.
    case newerLock
  }

  package let code: Code
  /// One sentence: what is wrong, where, and what to do next. Lists of findings follow it line by line.
  package let description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
