import Foundation
import TestSupport

/// A git repository whose commits are signed, and hosts that serve it on loopback to those who may read it.
struct GitOrigin {
  let directory: String
  var path: String { "\(directory)/origin" }
  var allowedSigners: String { "\(directory)/allowed_signers" }

  init(_ directory: String) throws {
    self.directory = directory
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Self.succeed(["git", "init", "-q", "-b", "main", path])
    let line = try Self.key("\(directory)/ada")
    try Data("ada@example.org \(line)\n".utf8).write(to: URL(fileURLWithPath: allowedSigners))
  }

  @discardableResult
  static func succeed(_ arguments: [String]) throws -> String {
    let result = try run(arguments)
    guard result.status == 0 else { throw BenchError("\(arguments): \(result.errorText)") }
    return result.text
  }

  /// Makes an SSH key and gives its public half, without the comment.
  static func key(_ path: String) throws -> String {
    try succeed(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path])
    let line = try String(contentsOf: URL(fileURLWithPath: "\(path).pub"), encoding: .utf8)
    return line.split(separator: " ").prefix(2).joined(separator: " ")
  }

  /// Commits a manifest that pins the device to a release nobody has: what the device is told names it.
  func commit(_ release: String) throws {
    let manifest = """
      apiVersion: netimg/v1
      kind: Fleet
      name: test
      groups: [{name: edge, release: \(release)}]
      devices: [{name: edge-1, mac: ["52:54:00:77:00:01"], group: edge}]

      """
    try Data(manifest.utf8).write(to: URL(fileURLWithPath: "\(path)/fleet.yaml"))
    let git = [
      "git", "-C", path, "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "gpg.format=ssh", "-c",
      "user.signingkey=\(directory)/ada", "-c", "commit.gpgsign=true",
    ]
    try Self.succeed(git + ["add", "-A"])
    try Self.succeed(git + ["commit", "-qm", release])
  }

  /// Waits for `port N` on a process's first line.
  static func port(of process: Background) throws -> Int {
    var port: Int?
    try process.wait(for: "its port") {
      port = process.text.firstMatch(of: #/(?m)^port (\d+)$/#).flatMap { Int($0.output.1) }
      return port != nil
    }
    guard let port else { throw BenchError("no port: \(process.text)") }
    return port
  }
}

/// An OpenSSH server for the user who runs the tests, with a host key of its own.
final class SSHHost {
  let port: Int
  /// The line of known_hosts for it.
  let knownHost: String
  private let process: Background
  private let madeRuntime: Bool

  static let hasTools = ["sshd", "ssh-keygen", "git"].allSatisfy { findTool($0) != nil }

  /// - Parameter reader: The public key that may read.
  init(_ directory: String, reader: String) throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let key = try GitOrigin.key("\(directory)/host")
    try Data("\(reader)\n".utf8).write(to: URL(fileURLWithPath: "\(directory)/authorized_keys"))
    // Where root's server wants to lock its unprivileged part in.
    madeRuntime = geteuid() == 0 && mkdir("/run/sshd", 0o755) == 0
    let free = try GitOrigin.succeed([
      "python3", "-c",
      "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])",
    ])
    guard let port = Int(free.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw BenchError("no port")
    }
    self.port = port
    knownHost = "[127.0.0.1]:\(port) \(key)"
    try Data(
      """
      Port \(port)
      ListenAddress 127.0.0.1
      HostKey \(directory)/host
      AuthorizedKeysFile \(directory)/authorized_keys
      PidFile none
      UsePAM no
      StrictModes no
      PermitRootLogin prohibit-password
      PasswordAuthentication no

      """.utf8
    ).write(to: URL(fileURLWithPath: "\(directory)/sshd_config"))
    guard let sshd = findTool("sshd") else { throw BenchError("no sshd") }
    process = try Background(
      [sshd, "-D", "-e", "-f", "\(directory)/sshd_config"], output: "\(directory)/sshd.log")
    let process = process
    try process.wait(for: "sshd") { process.text.contains("Server listening on 127.0.0.1") }
  }

  var log: String { process.text }

  deinit {
    kill(process.identifier, SIGTERM)
    _ = process.wait()
    if madeRuntime { rmdir("/run/sshd") }
  }
}

extension SSHHost: CustomReflectable {
  var customMirror: Swift.Mirror { Swift.Mirror(self, children: ["port": port]) }
}

/// A git server over HTTPS that asks for a token, and notes who sent which.
final class HTTPSHost {
  let port: Int
  private let process: Background

  static let hasTools = ["python3", "openssl", "git"].allSatisfy { findTool($0) != nil }

  /// Makes a certificate for localhost that is its own authority: `NAME.pem` and `NAME.key`.
  static func certificate(_ name: String) throws {
    try GitOrigin.succeed([
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
      "2",
      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "\(name).key", "-out",
      "\(name).pem",
    ])
  }

  /// - Parameters:
  ///   - token: What lets somebody in; `nil` sends everybody to `redirect`.
  init(_ directory: String, certificate: String, token: String?, redirect: String = "") throws {
    let script = """
      import base64, http.server, os, ssl, subprocess, sys
      directory, certificate, token, redirect = sys.argv[1:]

      class Handler(http.server.BaseHTTPRequestHandler):
          protocol_version = "HTTP/1.1"

          def answer(self, status, headers, body):
              self.send_response(status)
              for name, value in headers:
                  self.send_header(name, value)
              self.send_header("Content-Length", str(len(body)))
              self.end_headers()
              self.wfile.write(body)

          def do_GET(self):
              body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
              given = self.headers.get("Authorization")
              words = base64.b64decode(given.split()[-1]).decode() if given else "nobody"
              print("asked by", words, self.command, self.path, flush=True)
              if redirect:
                  return self.answer(302, [("Location", redirect + self.path)], b"")
              if not given or words.partition(":")[2] != token:
                  return self.answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
              path, _, query = self.path.partition("?")
              environment = dict(os.environ, GIT_PROJECT_ROOT=directory, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path,
                  QUERY_STRING=query, REQUEST_METHOD=self.command, REMOTE_USER="reader",
                  CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)),
                  HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""), GIT_CONFIG_COUNT="1",
                  GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
              out = subprocess.run(["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE).stdout
              head, _, content = out.partition(b"\\r\\n\\r\\n")
              headers = [line.split(": ", 1) for line in head.decode().split("\\r\\n") if ": " in line]
              status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
              self.answer(status, [h for h in headers if h[0] != "Status"], content)

          do_POST = do_GET

          def log_message(self, *words):
              pass

      server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
      context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
      context.load_cert_chain(certificate + ".pem", certificate + ".key")
      server.socket = context.wrap_socket(server.socket, server_side=True)
      print("port", server.server_address[1], flush=True)
      server.serve_forever()
      """
    process = try Background(
      ["python3", "-c", script, directory, certificate, token ?? "", redirect],
      output: "\(certificate)-\(UInt32.random(in: 0 ... .max)).log")
    port = try GitOrigin.port(of: process)
  }

  /// Who asked: `git:TOKEN GET PATH` a line.
  var log: String { process.text }
}

extension HTTPSHost: CustomReflectable {
  var customMirror: Swift.Mirror { Swift.Mirror(self, children: ["port": port]) }
}
