import FoundationEssentials
import Glibc

/// Runs the host's programs for tests, and says which are there.
enum Tool {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static func exists(_ name: String) -> Bool { path(name) != nil }

  private static func path(_ name: String) -> String? {
    ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"].map { "\($0)/\(name)" }.first {
      access($0, X_OK) == 0
    }
  }

  /// Runs a program to its end and gives its standard output.
  @discardableResult
  static func run(
    _ name: String, _ arguments: [String], in directory: URL, environment: [String: String] = [:],
    isFailureAllowed: Bool = false
  ) throws -> String {
    guard let program = path(name) else { throw Failure(description: "\(name) is not installed") }
    let id = UUID().uuidString
    let output = directory.path + "/output-\(id)"
    let errors = directory.path + "/errors-\(id)"
    defer {
      unlink(output)
      unlink(errors)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT, 0o600)
    var variables = environment
    variables["LC_ALL"] = "C"
    variables["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    var list: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
    defer { for pointer in words + list { free(pointer) } }
    var process: pid_t = 0
    guard posix_spawn(&process, program, &actions, nil, &words, &list) == 0 else {
      throw Failure(description: "cannot start \(name)")
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    guard status == 0 || isFailureAllowed else {
      throw Failure(description: "\(name) \(arguments): \(text(errors))\(text(output))")
    }
    return text(output)
  }

  private static func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }
}
