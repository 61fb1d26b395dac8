internal import ArgumentParser
internal import CPosixShim
internal import Glibc
internal import ImageBuilder

/// The command line's root: verbs only, each in a file of its own under Commands/.
@main
struct Netimg: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "netimg",
    abstract: "Bakes immutable, signed network device images from a manifest.",
    discussion: flowing(
      """
      A first image, from an empty directory:
        netimg init router && cd router
        netimg lock manifests/router.yaml
        netimg build manifests/router.yaml
        ./boot out/router-0.1.0

      Exit status: 0 done; 1 failed; 2 a check found a difference; 64 wrong usage; 65 a manifest, lock or input is
      wrong; 66 an input is missing; 69 no mirror answers; 74 reading or writing failed; 77 a signature or digest
      is refused; 130 interrupted. docs/cli.md has them all.
      """),
    version: BuilderVersion.current,
    subcommands: [
      InitCommand.self, LockCommand.self, BuildCommand.self, SignCommand.self, VerifyCommand.self,
      ExtractCommand.self, InspectCommand.self, ExplainCommand.self, DiffCommand.self, StoreCommand.self,
      KeyCommand.self, RepoCommand.self, PublishCommand.self, PromoteCommand.self, RollbackCommand.self,
      ChannelCommand.self, FetchCommand.self, TufCommand.self, ServeCommand.self, DeviceCommand.self,
      SchemaCommand.self, CompletionCommand.self,
    ])

  /// The main thread waits for signals; the work is done elsewhere.
  static func main() {
    _ = netimg_keep_syslog_silent()
    Interruption.block()
    // Of ordinary priority, and awaited by nobody: an asynchronous main and all its tasks would have a higher one, for
    // which libdispatch needs a privilege.
    Task.detached(priority: .medium) {
      await run()
      Glibc.exit(0)
    }
    Interruption.wait()
  }

  private static func run() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      Failure.report(error)
    }
  }
}
