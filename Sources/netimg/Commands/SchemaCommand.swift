internal import ArgumentParser
internal import Manifest

/// `netimg schema`
struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print the JSON Schema of manifests, for editors.",
    discussion: flowing(
      """
      Example, for an editor with the YAML language server:
        netimg schema > netimg.schema.json
        # then begin a manifest with: # yaml-language-server: $schema=netimg.schema.json
      """))

  @Flag(help: "Print the reference in Markdown instead (docs/manifest.md).")
  var markdown = false

  func run() throws {
    Console.write(markdown ? ManifestReference.markdown() : ManifestSchema.json(), to: 1)
  }
}
