internal import CPosixShim
internal import Glibc
package import Manifest

/// How `netimg serve` was called: what a manifest does not say, or what goes before it.
package struct ServeOptions: Sendable {
  /// The `kind: Server` manifest; `nil` for the defaults.
  package var config: String?
  /// What the process does; empty for what the manifest says.
  package var roles: [ServerRole] = []
  package var state: String?
  package var library: String?
  package var fleet: String?
  /// Who may sign commits, if the fleet is a git repository.
  package var allowedSigners: String?
  package var listen: [String] = []
  package var dhcp: DHCPSettings.Mode?
  package var isTFTPOff = false
  package var logFormat: LogSettings.Format?
  package var logLevel: LogSettings.Level?
  /// Where the state is kept if nobody says so.
  package var defaultState: String

  package init(defaultState: String) {
    self.defaultState = defaultState
  }

  /// Whether a fleet is a git repository, and no manifest: a directory, or an address. A file that is there is a manifest,
  /// whatever it is called.
  private static func isGit(_ name: String) -> Bool {
    var status = stat()
    guard stat(name, &status) == 0 else { return GitSettings.isAddress(name) }
    return status.st_mode & S_IFMT == S_IFDIR
  }

  /// The settings that hold now: defaults, the manifest, and these options over them, in that order. Paths in the
  /// manifest are relative to it, and come out so that they can be opened.
  package func settings() throws -> ServeSettings {
    var manifest = ServerManifest()
    var base = ""
    if let config {
      manifest = try ServerManifest.load(file: config)
      base = config.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(config[...$0]) } ?? ""
    }
    func resolve(_ path: String?) -> String? { path.map { $0.hasPrefix("/") ? $0 : base + $0 } }
    manifest.http.certificate = resolve(manifest.http.certificate)
    manifest.http.key = resolve(manifest.http.key)
    manifest.ipxe.firmware = resolve(manifest.ipxe.firmware) ?? manifest.ipxe.firmware
    manifest.ipxe.templates = resolve(manifest.ipxe.templates)
    manifest.uploads.keys = manifest.uploads.keys.map { resolve($0) ?? $0 }
    let state = self.state ?? resolve(manifest.state) ?? defaultState
    if var repository = manifest.repository {
      if repository.isLocal { repository.from = resolve(repository.from) ?? repository.from }
      repository.root = resolve(repository.root) ?? repository.root
      repository.keys = resolve(repository.keys) ?? "\(state)/keys"
      repository.passphraseFile = resolve(repository.passphraseFile)
      repository.proposals =
        resolve(repository.proposals) ?? (repository.isLocal ? "\(repository.from)/proposals" : nil)
      manifest.repository = repository
    }
    let library = self.library ?? resolve(manifest.library) ?? "\(state)/library"
    var fleet = self.fleet ?? resolve(manifest.fleet) ?? "\(state)/fleet.yaml"
    if var git = manifest.git {
      if !GitSettings.isAddress(git.from) { git.from = resolve(git.from) ?? git.from }
      git.allowedSigners = resolve(git.allowedSigners) ?? git.allowedSigners
      git.key = resolve(git.key)
      git.knownHosts = resolve(git.knownHosts)
      git.tokenFile = resolve(git.tokenFile)
      git.authority = resolve(git.authority)
      manifest.git = git
    }
    if let named = self.fleet, Self.isGit(named) {
      var git =
        manifest.git ?? GitSettings(from: named, allowedSigners: allowedSigners ?? "\(state)/allowed_signers")
      git.from = named
      manifest.git = git
    }
    if let allowedSigners { manifest.git?.allowedSigners = allowedSigners }
    let isFleetNamed = (self.fleet != nil || manifest.fleet != nil) && manifest.git == nil
    // What was applied from git lies in a file of the state directory.
    if manifest.git != nil {
      fleet = GitFollower.fleetPath(state: state)
      if manifest.repository?.proposals == nil || manifest.git?.proposals != nil {
        manifest.repository?.proposals = GitFollower.proposalsPath(state: state)
      }
    }
    if !roles.isEmpty { manifest.roles = roles }
    if !listen.isEmpty {
      if manifest.roles.contains(.boot) {
        manifest.http.listen = listen
      } else {
        manifest.control.listen = listen
      }
    }
    if let dhcp {
      manifest.dhcp.mode = dhcp
      if dhcp == .server, manifest.dhcp.subnets.isEmpty {
        throw ManifestError(
          .init(
            .missingKey, at: SourceLocation(file: config ?? "--dhcp server"),
            "mode: server needs dhcp.subnets",
            suggestion: "name the networks in a file for --config"))
      }
    }
    if isTFTPOff { manifest.tftp.isEnabled = false }
    if let logFormat { manifest.log.format = logFormat }
    if let logLevel { manifest.log.level = logLevel }
    return ServeSettings(
      manifest: manifest, state: state, library: library, fleet: fleet, isFleetNamed: isFleetNamed)
  }
}

/// The settings of a server that runs.
package struct ServeSettings: Sendable {
  package var manifest: ServerManifest
  package var state: String
  package var library: String
  package var fleet: String
  /// Whether somebody named the fleet's manifest, so that it has to be there.
  package var isFleetNamed: Bool

  /// The store's file.
  package var store: String { "\(state)/fleet.sqlite" }
}
