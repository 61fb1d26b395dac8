internal import Glibc

/// Why the store could not do what it was asked. Tests and callers match `code`; operators read the
/// description.
package struct StoreError: Error, Sendable {
  /// The stable kinds of failure.
  package enum Code: String, Sendable {
    /// The file system is full, or a quota is used up (ENOSPC, EDQUOT).
    case noSpace
    /// The store cannot be written (EROFS, EACCES, EPERM).
    case readOnly
    /// An entry exists but may not be read (EACCES).
    case unreadable
    /// The device or the file system failed (EIO and whatever else the kernel reports).
    case inputOutput
    /// The bytes of a download do not have the digest that they were asked for by.
    case mismatch
    /// A download was committed before all its bytes were there.
    case incomplete
    /// More bytes arrived than the download was announced with.
    case tooLong
    /// A record's kind or key holds a character outside `[a-z0-9._-]`.
    case invalidName
    /// The environment does not say where the store is.
    case noLocation
    /// A blob that was asked for is not in the store, or damaged.
    case missing
    /// An archive that was to be imported is none of a store's, or damaged.
    case badArchive
    /// The store's root, or a directory inside it, is something else than a directory.
    case notADirectory
  }

  package let code: Code
  /// The file or directory concerned; empty where there is none.
  package let path: String
  /// The system's `errno`, where a system call failed.
  package let cause: Int32?
  private let message: String

  init(_ code: Code, path: String, cause: Int32? = nil, _ message: String) {
    self.code = code
    self.path = path
    self.cause = cause
    self.message = message
  }
}

extension StoreError: CustomStringConvertible {
  package var description: String { message }
}

extension StoreError {
  /// The sentence for a system call that failed while doing `action` (an infinitive: "write", "open").
  static func system(_ action: String, _ path: String, errno number: Int32) -> StoreError {
    let failure = "cannot \(action) \(path): \(String(cString: strerror(number)))"
    let elsewhere = "set NETIMG_STORE to a directory of your own"
    func error(_ code: Code, _ advice: String) -> StoreError {
      StoreError(code, path: path, cause: number, "\(failure); \(advice)")
    }
    switch number {
    case ENOSPC, EDQUOT:
      return error(.noSpace, "free some space, or point NETIMG_STORE at a larger disk")
    case EROFS, EPERM:
      return error(.readOnly, "this store can only be read, \(elsewhere)")
    case EACCES:
      return error(action == "read" ? .unreadable : .readOnly, "mend its permissions, or \(elsewhere)")
    case ENOTDIR:
      return error(.notADirectory, "remove the file that is in the way, or \(elsewhere)")
    case EIO:
      return error(.inputOutput, "check the disk, then remove the file: it will be made again")
    default:
      return error(.inputOutput, "check the file system, or \(elsewhere)")
    }
  }
}
