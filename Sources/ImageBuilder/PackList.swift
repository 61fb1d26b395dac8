internal import FoundationEssentials
internal import Manifest

/// `packs.json`: which path of the root comes from which input. The SBOM says it too, but of files only.
package struct PackList: Codable, Sendable, Equatable {
  /// The version of this format; a reader refuses a higher one.
  package static let currentFormat = 1
  /// The largest packs.json that is read, in bytes.
  package static let maximumSize = 64 << 20

  /// An input and the paths that it gave.
  package struct Pack: Codable, Sendable, Equatable {
    /// `package`, `component`, `image`, `stage0` or `generated`.
    package var kind: String
    package var name: String
    /// Without leading slashes, in byte order; the root itself is not listed.
    package var paths: [String]
  }

  /// A component of the image.
  package struct Component: Codable, Sendable, Equatable {
    package var name: String
    /// From the image to the component, one sentence a step.
    package var why: [String]
  }

  package var format: Int
  /// Every component that the image is made of, those without files too, dependencies first; absent in releases of
  /// older builders.
  package var components: [Component]?
  package var packs: [Pack]

  /// The packs of a tree, in the order in which they lie in the image.
  init(_ tree: RootTree) {
    format = Self.currentFormat
    var paths: [PackName: [String]] = [:]
    for path in tree.sortedPaths where !path.isEmpty {
      if let node = tree[path] { paths[node.pack.listed, default: []].append(path) }
    }
    packs = paths.sorted { $0.key < $1.key }.map {
      Pack(kind: "\($0.key.kind)", name: $0.key.name, paths: $0.value)
    }
  }

  /// The same, with the image's components and how the image came to them.
  func naming(componentsOf image: ComposedImage) -> PackList {
    var list = self
    list.components = image.components.map { name in
      let chain = image.componentChains[name] ?? [name]
      return Component(
        name: name,
        why: chain.indices.map { index in
          index == 0
            ? "image \(image.name) uses component \(chain[0])"
            : "component \(chain[index - 1]) requires component \(chain[index])"
        })
    }
    return list
  }

  /// The file's bytes.
  func encode() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try [UInt8](encoder.encode(self)) + [0x0a]
  }

  /// Reads packs.json.
  package static func decode(_ bytes: [UInt8], file: String) throws(BuildError) -> PackList {
    guard bytes.count <= maximumSize else {
      throw BuildError(.verification, "\(file) is larger than \(maximumSize >> 20) MiB")
    }
    let list: PackList
    do {
      list = try JSONDecoder().decode(PackList.self, from: Data(bytes))
    } catch {
      throw BuildError(.verification, "\(file) is no list of packs: \(JSONProblem.describe(error))")
    }
    guard list.format <= currentFormat else {
      throw BuildError(
        .verification,
        "\(file) has format \(list.format), this netimg knows \(currentFormat): use a newer one")
    }
    return list
  }
}

extension PackName {
  /// What the builder makes lies in several packs, so that frames stay; to readers it is one.
  var listed: PackName { kind == .generated ? PackName(.generated, "netimg") : self }
}
