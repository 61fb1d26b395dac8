internal import ArgumentParser

/// `netimg completion`
struct CompletionCommand: ParsableCommand {
  enum Shell: String, ExpressibleByArgument, CaseIterable {
    case bash, zsh, fish
  }

  static let configuration = CommandConfiguration(
    commandName: "completion",
    abstract: "Print a shell's completion script.",
    discussion: flowing(
      """
      Examples:
        netimg completion bash > ~/.local/share/bash-completion/completions/netimg
        netimg completion fish > ~/.config/fish/completions/netimg.fish
      """))

  @Argument(help: "bash, zsh or fish.")
  var shell: Shell

  func run() throws {
    let script =
      switch shell {
      case .bash: Netimg.completionScript(for: .bash)
      case .zsh: Netimg.completionScript(for: .zsh)
      case .fish: Netimg.completionScript(for: .fish)
      }
    Console.out(script)
  }
}
