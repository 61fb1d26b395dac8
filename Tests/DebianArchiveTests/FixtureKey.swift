import Bytes
import FoundationEssentials
import Manifest

/// A throwaway OpenPGP key, made by GnuPG in a directory of its own.
struct FixtureKey: Sendable {
  let home: URL
  /// GnuPG's clock, such as `20200101T000000`; `nil` for the real one.
  let clock: String?

  static var isAvailable: Bool { Tool.exists("gpg") && Tool.exists("gpgv") && Tool.exists("gpgconf") }

  /// - Parameter expiry: as `--quick-generate-key` takes it.
  init(in directory: URL, name: String = "key", clock: String? = nil, expiry: String = "never") throws {
    home = directory.appendingPathComponent(name)
    self.clock = clock
    try FileManager.default.createDirectory(
      at: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try gpg(["--passphrase", "", "--quick-generate-key", "\(name) <\(name)@test>", "ed25519", "sign", expiry])
    try gpg(["--output", home.path + "/public", "--export"])
    try gpg(["--armor", "--output", home.path + "/public.asc", "--export"])
  }

  /// The public key as a keyring of the repository.
  var keyring: Keyring { keyring("public") }
  var armoredKeyring: Keyring { keyring("public.asc") }

  private func keyring(_ file: String) -> Keyring {
    let data = FileManager.default.contents(atPath: "\(home.path)/\(file)") ?? Data()
    return .repository(path: "keys/\(file)", bytes: [UInt8](data))
  }

  /// Signs a text in the cleartext framework.
  func clearSign(_ text: String) throws -> [UInt8] {
    let input = home.appendingPathComponent("text-\(UUID().uuidString)")
    try Data(text.utf8).write(to: input)
    try gpg(["--output", input.path + ".asc", "--clearsign", input.path])
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: input.path + ".asc")))
  }

  private func gpg(_ arguments: [String]) throws {
    let time = clock.map { ["--faked-system-time", $0 + "!"] } ?? []
    try Tool.run("gpg", ["--homedir", home.path, "--batch", "--yes"] + time + arguments, in: home)
    // The agent must not outlive the test.
    try Tool.run("gpgconf", ["--homedir", home.path, "--kill", "all"], in: home)
  }
}
