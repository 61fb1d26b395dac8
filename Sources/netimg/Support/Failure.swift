internal import ArgumentParser
internal import BlobStore
internal import BootServer
internal import Channels
internal import DebianArchive
internal import DebianPackage
internal import Fleet
internal import FoundationEssentials
internal import Glibc
internal import ImageBuilder
internal import ImageFormat
internal import Inspection
internal import Manifest
internal import NativeActions
internal import Provenance
internal import Scaffold
internal import SecureBoot
internal import ServerCore
internal import Signing
internal import Transfers
internal import UpdateFramework

/// The exit statuses, after sysexits(3) where it has one (docs/cli.md).
enum ExitStatus {
  static let difference: Int32 = 2
  /// It waits, but for others.
  static let others: Int32 = 3
  static let usage: Int32 = 64
  static let data: Int32 = 65
  static let missing: Int32 = 66
  static let unavailable: Int32 = 69
  static let inputOutput: Int32 = 74
  static let refused: Int32 = 77
}

/// The one place where an error becomes words and an exit status.
enum Failure {
  static func report(_ error: any Error) -> Never {
    Interruption.yield()
    if error is CleanExit || error is ExitCode || error is ValidationError || isFromParser(error) {
      Netimg.exit(withError: error)
    }
    Console.error("\(describe(error))")
    exit(status(error))
  }

  private static func isFromParser(_ error: any Error) -> Bool {
    let code = Netimg.exitCode(for: error)
    return code == .validationFailure || code == .success
  }

  private static func describe(_ error: any Error) -> String {
    if let error = error as? CocoaError {
      let path = error.filePath.map { "\($0): " } ?? ""
      let reason = (error.underlying as? POSIXError).map { String(cString: strerror($0.code.rawValue)) }
      return "\(path)\(reason ?? "reading or writing failed")"
    }
    return "\(error)"
  }

  private static func status(_ error: any Error) -> Int32 {
    switch error {
    case is ManifestError, is DebianPackageError, is NativeActionError: return ExitStatus.data
    case let error as BuildError: return status(error.code)
    case let error as InspectionError: return status(error.code)
    case let error as BootServerError: return status(error.code)
    case let error as FleetError: return status(error.code)
    case let error as ServerError: return status(error.code)
    case let error as ScaffoldError: return error.code == .badName ? ExitStatus.usage : ExitStatus.inputOutput
    case is ImageFormatError: return ExitStatus.refused
    case let error as ArchiveError: return status(error.code)
    case let error as StoreError: return status(error.code)
    case is CocoaError: return ExitStatus.inputOutput
    case let error as SigningError: return error.code == .notFound ? ExitStatus.missing : ExitStatus.refused
    case let error as SecureBootError: return status(error.code)
    case let error as UpdateError: return status(error.code)
    case let error as ChannelError: return status(error.code)
    case let error as ControlClient.Refusal:
      return error.status == 404
        ? ExitStatus.missing : error.status >= 500 ? ExitStatus.unavailable : ExitStatus.refused
    case is TransferUnavailable: return ExitStatus.unavailable
    case let error as GitError: return error.code == .notFound ? ExitStatus.missing : ExitStatus.data
    default: return 1
    }
  }

  private static func status(_ code: BuildError.Code) -> Int32 {
    switch code {
    case .manifest, .lock, .badInput, .conflict, .policy: ExitStatus.data
    case .missingInput: ExitStatus.missing
    case .inputOutput: ExitStatus.inputOutput
    case .verification: ExitStatus.refused
    }
  }

  private static func status(_ code: StoreError.Code) -> Int32 {
    switch code {
    case .badArchive: ExitStatus.refused
    case .missing: ExitStatus.missing
    default: ExitStatus.inputOutput
    }
  }

  private static func status(_ code: InspectionError.Code) -> Int32 {
    switch code {
    case .notFound: ExitStatus.missing
    case .inconsistent: ExitStatus.refused
    case .inTheWay, .inputOutput: ExitStatus.inputOutput
    }
  }

  private static func status(_ code: UpdateError.Code) -> Int32 {
    switch code {
    case .unreachable, .tooSlow, .notAvailable: ExitStatus.unavailable
    case .noRoot, .targetNotFound: ExitStatus.missing
    case .invalidName: ExitStatus.data
    case .localStorage: ExitStatus.inputOutput
    default: ExitStatus.refused
    }
  }

  private static func status(_ code: ChannelError.Code) -> Int32 {
    switch code {
    case .unknownChannel, .unknownRelease, .repository: ExitStatus.missing
    case .replaced, .badRelease, .gate, .frozen, .malformed, .conflict: ExitStatus.refused
    case .storage, .diskFull: ExitStatus.inputOutput
    }
  }

  private static func status(_ code: BootServerError.Code) -> Int32 {
    switch code {
    case .notFound: ExitStatus.missing
    case .corrupt, .refused: ExitStatus.refused
    case .template: ExitStatus.data
    case .inputOutput: ExitStatus.inputOutput
    }
  }

  private static func status(_ code: FleetError.Code) -> Int32 {
    switch code {
    case .notFound: ExitStatus.missing
    case .ambiguous, .badValue: ExitStatus.data
    case .store, .tooNew: ExitStatus.inputOutput
    }
  }

  private static func status(_ code: ServerError.Code) -> Int32 {
    switch code {
    case .addressInUse, .noSuchAddress, .alreadyRunning: ExitStatus.unavailable
    case .certificate, .badValue: ExitStatus.data
    case .notPermitted, .system: ExitStatus.inputOutput
    }
  }

  private static func status(_ code: SecureBootError.Code) -> Int32 {
    switch code {
    case .notFound: ExitStatus.missing
    case .exists, .system: ExitStatus.inputOutput
    case .malformed, .unsupported, .badSignature, .mismatch: ExitStatus.refused
    }
  }

  private static func status(_ code: ArchiveError.Code) -> Int32 {
    switch code {
    case .noMirror, .unreachable, .cancelled: ExitStatus.unavailable
    case .mirrorLied, .untrusted, .expired, .fromTheFuture, .replayed, .wrongSuite: ExitStatus.refused
    case .offline: ExitStatus.missing
    case .localStorage: ExitStatus.inputOutput
    default: ExitStatus.data
    }
  }
}
