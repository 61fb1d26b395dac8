internal import Bytes
internal import FrameFormat
package import ImageBuilder
internal import UpdateFramework

extension ChannelClient {
  /// What a release is made of, and how what is missing here is brought together.
  package struct Plan: Sendable {
    package let release: Release
    /// The bytes of release.json.
    package let manifest: [UInt8]
    /// Every file and frame, by what the release calls it.
    package let layout: [Object]
    /// The different ones of them, and their bytes.
    package let files: Int
    package let bytes: Int
    /// What is to be fetched: files, frames, and parts of files that recipes ask for.
    package let missing: [Object]
    package var missingBytes: Int { missing.reduce(0) { $0 + $1.size } }
    /// What is put together from parts afterwards, in this order.
    let assembled: [(object: Object, recipe: Recipe)]
    /// What only a recipe asks for, by its SHA-256; nothing vouches for that, so it may not be there.
    let parts: Set<String>
    let local: LocalFiles
    /// How the release came to its channel; `nil` if the channel does not ask, or if the release is here already.
    package let passage: Passage?
    /// How many files are put together.
    package var assembledFiles: Int { assembled.count }
  }

  /// Fetches release.json and the index of the root image, both verified, and compares with what is here.
  /// - Throws: `gate` if the release lacks what the channel demands of it, or did not come through the channel before,
  ///   `badRelease`, or an `UpdateError`.
  package func plan(_ current: Current, here: LocalFiles) async throws -> Plan {
    let (manifest, release) = try await vouched(current)
    // Asked once: a release that is here went through when it came.
    let passage = here[current.entry.release] == nil ? try await passage(of: current) : nil
    var objects = release.artifacts.map {
      Object(name: $0.name, digest: $0.sha256, size: Int(clamping: $0.size))
    }
    for object in objects where SHA256Digest(hex: object.digest)?.hex != object.digest {
      throw ChannelError(.badRelease, "the release \(current.entry.release) has a digest that is none")
    }
    guard let index = objects.first(where: { $0.name == ReleaseFile.index }) else {
      throw ChannelError(.badRelease, "the release \(current.entry.release) lists no \(ReleaseFile.index)")
    }
    let frames: [RootIndex.Frame]
    do {
      frames = try RootIndex.decode(try await fetch(index)).frames
    } catch let error as FrameFormatError {
      throw ChannelError(.badRelease, "\(ReleaseFile.index) of \(current.entry.image): \(error.message)")
    }
    objects += frames.map {
      Object(name: "\(ReleaseFile.frames)/\($0.digest.hex)", digest: $0.digest.hex, size: $0.storedSize)
    }
    var names: Set<String> = []
    let layout = objects.filter { names.insert($0.name).inserted }
    var seen: Set<String> = []
    objects = objects.filter { seen.insert($0.digest).inserted }
    var planner = Planner(client: self, here: here)
    let (missing, assembled, local) = try await planner.decide(objects)
    let parts = Set(missing.map(\.digest)).subtracting(objects.map(\.digest))
    return Plan(
      release: release, manifest: manifest, layout: layout, files: objects.count,
      bytes: objects.reduce(0) { $0 + $1.size }, missing: missing, assembled: assembled, parts: parts,
      local: local, passage: passage)
  }

  /// The recipe of a file; `nil` if there is none that can be used.
  func recipe(of object: Object) async throws -> Recipe? {
    let bytes = try? await fetchIfPresent(Recipe.path(of: object.digest), limit: Recipe.maximumSize)
    return (bytes ?? nil).flatMap { Recipe($0, size: object.size) }
  }

  /// Brings everything that is missing into a directory, each file under its SHA-256. What is there already stays, and
  /// what an interrupted run left is gone on with.
  /// - Throws: `badRelease`, `storage`, or an `UpdateError`.
  package func run(_ plan: Plan, into directory: String) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var waiting = plan.missing[...]
      for _ in 0..<8 {
        guard let object = waiting.popFirst() else { break }
        group.addTask { try await self.bring(object, of: plan, to: directory) }
      }
      while try await group.next() != nil {
        guard let object = waiting.popFirst() else { continue }
        group.addTask { try await self.bring(object, of: plan, to: directory) }
      }
    }
    var local = plan.local
    for object in plan.missing {
      local.add(object.digest, path: "\(directory)/\(object.digest)", size: object.size)
    }
    for (object, recipe) in plan.assembled {
      if try !assemble(object, recipe, from: local, in: directory) {
        // A part that is here is not what it was taken for.
        try await download(object, to: directory)
      }
      local.add(object.digest, path: "\(directory)/\(object.digest)", size: object.size)
    }
  }

  /// A part that is not to be had makes the whole be fetched that it is part of.
  private func bring(_ object: Object, of plan: Plan, to directory: String) async throws {
    do {
      try await download(object, to: directory)
    } catch let error as UpdateError
      where [.notAvailable, .tooLarge].contains(error.code) && plan.parts.contains(object.digest)
    {
      return
    } catch let error as ChannelError where error.code == .badRelease && plan.parts.contains(object.digest) {
      return
    }
  }

  /// - Returns: Whether the right file came out.
  private func assemble(
    _ object: Object, _ recipe: Recipe, from local: LocalFiles, in directory: String
  ) throws -> Bool {
    let file = try ObjectFile(object, in: directory)
    try file.restart()
    do {
      for part in recipe.parts {
        switch part {
        case .literal(let bytes): try bytes.withUnsafeBytes { try file.receive($0) }
        case .object(let digest, let size):
          guard let slice = local[digest], slice.size == size,
            try LocalFiles.read(slice, { try file.receive($0) })
          else {
            file.discard()
            return false
          }
        }
      }
      guard file.isRight else {
        file.discard()
        return false
      }
      try file.commit()
      return true
    } catch {
      file.discard()
      throw error
    }
  }
}

/// Decides what to fetch and what to put together.
private struct Planner {
  let client: ChannelClient
  var here: LocalFiles

  init(client: ChannelClient, here: LocalFiles) {
    self.client = client
    self.here = here
  }

  mutating func decide(_ objects: [ChannelClient.Object]) async throws -> (
    missing: [ChannelClient.Object], assembled: [(object: ChannelClient.Object, recipe: Recipe)], LocalFiles
  ) {
    var missing = objects.filter { here[$0.digest] == nil }
    var recipes: [(object: ChannelClient.Object, recipe: Recipe)] = []
    for object in missing where object.size >= Recipe.leastFile {
      if let recipe = try await client.recipe(of: object) { recipes.append((object, recipe)) }
    }
    guard !recipes.isEmpty else { return (missing, [], here) }
    // What is here of older releases was made of the same parts: UKIs and initrds, which are larger than any frame.
    let largest = here.large.sorted { ($1.value.size, $0.key) < ($0.value.size, $1.key) }
    for (digest, slice) in largest.prefix(8) {
      let object = ChannelClient.Object(name: slice.path, digest: digest, size: slice.size)
      if let recipe = try await client.recipe(of: object) { here.add(recipe, of: digest) }
    }
    // The smallest first: an initrd is part of a UKI.
    recipes.sort { ($0.object.size, $0.object.digest) < ($1.object.size, $1.object.digest) }
    var assembled: [(object: ChannelClient.Object, recipe: Recipe)] = []
    var coming = Set(missing.map(\.digest))
    for (object, recipe) in recipes {
      var extra: [String: ChannelClient.Object] = [:]
      for case .object(let digest, let size) in recipe.parts
      where digest == object.digest || (here[digest] == nil && !coming.contains(digest)) {
        extra[digest] = ChannelClient.Object(name: "a part of \(object.name)", digest: digest, size: size)
      }
      guard extra[object.digest] == nil, extra.values.reduce(0, { $0 + $1.size }) < object.size else {
        continue
      }
      missing.removeAll { $0.digest == object.digest }
      missing += extra.values.sorted { $0.digest < $1.digest }
      coming.formUnion(extra.keys)
      assembled.append((object, recipe))
    }
    return (missing, assembled, here)
  }
}
