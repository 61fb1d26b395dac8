internal import Bytes

extension Tmpfiles {
  /// What to do to the image's tree for one line. Owners are names or numbers for the caller to look up; `nil` is root
  /// for what is created, and "as it is" for what exists.
  package enum Action: Equatable, Sendable {
    /// Make a directory if there is none; set its mode and owner either way.
    case directory(path: String, access: Access)
    /// Make a file with these contents if there is none (or in any case, if `replaces`); set its mode and owner either
    /// way.
    case file(path: String, contents: [UInt8], replaces: Bool, access: Access)
    /// Write over the beginning of every file that matches the pattern, without cutting off the rest; or at its end, if
    /// `appends`.
    case write(pattern: String, contents: [UInt8], appends: Bool)
    /// Make a link if there is nothing (or in place of anything, if `replaces`).
    case symlink(path: String, target: String, replaces: Bool, onlyIfTargetExists: Bool)
    /// Copy a file or a tree of the image if there is nothing, or an empty directory, at `path`.
    case copy(path: String, source: String, replaces: Bool, access: Access)
    /// Make a named pipe.
    case fifo(path: String, replaces: Bool, access: Access)
    /// Set mode and owner of everything that matches; below it too, if `isRecursive`.
    case adjust(pattern: String, isRecursive: Bool, onlyDirectories: Bool, access: Access)
  }

  /// Mode and owners of an action.
  package struct Access: Equatable, Sendable {
    /// `nil` leaves what exists, and is 0755 for new directories, 0644 for new files.
    package let mode: Mode?
    /// `nil` leaves what exists, and is root for new things.
    package let user: Owner?
    /// As the user.
    package let group: Owner?
  }

  /// Directories that are not on the image's read-only root, so that their lines are left to boot.
  package static let leftToBoot = ["/run", "/var", "/tmp", "/dev", "/proc", "/sys", "/home"]

  /// Whether a path is made at boot, not when building.
  package static func isLeftToBoot(_ path: String) -> Bool {
    leftToBoot.contains { path == $0 || path.hasPrefix("\($0)/") }
  }

  /// What has to be done when building, because it cannot be done later on a read-only root, in the order to do it:
  /// what creates, by path, so that parents come first; then what adjusts, as listed. Of two lines that create the same
  /// path, the first counts. Lines that clean up have nothing to clean in an image, and those that want a credential
  /// will find none there: both are left out.
  ///
  /// `unsupported` for lines on the root with specifiers that only a running system can answer, for device nodes, and
  /// for access lists, extended and file attributes, unless the line may fail (`-`).
  package static func buildActions(_ lines: [Line]) throws(NativeActionError) -> [Action] {
    var creations: [(path: String, action: Action)] = []
    var adjustments: [Action] = []
    var seen = Set<ExactString>()
    for line in lines where !isLeftToBoot(line.path) && !line.modifiers.contains(.credential) {
      do throws(NativeActionError) {
        guard let action = try line.action() else { continue }
        if line.kind.takesGlob {
          adjustments.append(action)
        } else if seen.insert(ExactString(line.path)).inserted {
          creations.append((line.path, action))
        }
      } catch {
        guard line.modifiers.contains(.mayFail) else { throw error }
      }
    }
    return creations.sorted { precedesBytewise($0.path, $1.path) }.map(\.action) + adjustments
  }
}

extension Tmpfiles.Line {
  fileprivate var access: Tmpfiles.Access { Tmpfiles.Access(mode: mode, user: user, group: group) }

  fileprivate func action() throws(NativeActionError) -> Tmpfiles.Action? {
    switch kind {
    case .ignore, .ignoreDirectory, .remove, .removeTree: return nil
    default: break
    }
    if let unknownSpecifier {
      throw unsupported("%\(unknownSpecifier) is known to a running system only")
    }
    let replaces = modifiers.contains(.plus) || modifiers.contains(.exactType)
    switch kind {
    case .directory, .emptiedDirectory, .subvolume, .inheritedQuotaSubvolume, .quotaSubvolume:
      return .directory(path: path, access: access)
    case .file, .truncatedFile:
      return .file(
        path: path, contents: argument ?? [], replaces: kind == .truncatedFile || modifiers.contains(.plus),
        access: access)
    case .write:
      return .write(pattern: path, contents: argument ?? [], appends: modifiers.contains(.plus))
    case .symlink:
      return .symlink(
        path: path, target: argument.map { $0[...].text } ?? "/usr/share/factory\(path)", replaces: replaces,
        onlyIfTargetExists: modifiers.contains(.ifTargetExists))
    case .copy:
      return .copy(
        path: path, source: argument.map { $0[...].text } ?? "/usr/share/factory\(path)", replaces: replaces,
        access: access)
    case .fifo:
      return .fifo(path: path, replaces: replaces, access: access)
    case .existingDirectory, .adjust, .adjustTree:
      return .adjust(
        pattern: path, isRecursive: kind == .adjustTree, onlyDirectories: kind == .existingDirectory,
        access: access)
    case .characterDevice, .blockDevice:
      throw unsupported("device nodes belong below /dev, which the kernel fills")
    case .setAttribute, .setAttributeTree, .fileAttributes, .fileAttributesTree, .accessList, .accessListTree:
      throw unsupported("access lists and attributes are not kept in an image's root")
    case .ignore, .ignoreDirectory, .remove, .removeTree:
      return nil
    }
  }

  private func unsupported(_ reason: String) -> NativeActionError {
    NativeActionError(
      .unsupported, at: origin, "\(path) is on the read-only root, where this line cannot be done: \(reason)")
  }
}
