internal import Bytes
internal import NativeActions

/// What the dynamic loader (ld.so(8)) would do for every program of a root.
///
/// Whether a library is found depends on who loads it: a library that the program has loaded already satisfies all
/// others by its name, and `DT_RPATH` is passed on. So each program, and each library that no other one names (a plug-in
/// then), is loaded as glibc does it, breadth first.
struct LibraryLoads: Sendable {
  /// One object asking for one library.
  struct Request: Hashable, Sendable {
    /// The path of the object that asks.
    let object: String
    /// What it asks for, as in `DT_NEEDED`.
    let name: String
    /// The path of what it gets; `nil` if there is none.
    let library: String?
  }

  /// Every request, with the first program in byte order in which it came up.
  let requests: [Request: String]

  /// - Parameters:
  ///   - objects: the ELF files by path.
  ///   - directories: where libraries are looked for in the end, in order.
  ///   - resolve: where a path leads.
  init(_ objects: [ExactString: ELFFile], directories: [String], resolve: @escaping (String) -> String?) {
    var loader = Loader(objects: objects, directories: directories, resolve: resolve)
    let dynamic = objects.filter { !$0.value.needed.isEmpty }
    let named = Set(dynamic.values.flatMap(\.needed).map { ExactString(RootTree.name(of: $0)) })
    let paths = dynamic.filter { path, elf in
      elf.interpreter != nil || !named.contains(ExactString(elf.soname ?? RootTree.name(of: path.text)))
    }
    .keys.sorted()
    for path in paths { loader.load(path.text) }
    requests = loader.requests
  }
}

private struct Loader {
  private let objects: [ExactString: ELFFile]
  let directories: [String]
  let resolve: (String) -> String?
  private(set) var requests: [LibraryLoads.Request: String] = [:]
  /// Where paths that were asked for lead to, for those that were asked for before.
  private var known: [ExactString: String?] = [:]

  init(objects: [ExactString: ELFFile], directories: [String], resolve: @escaping (String) -> String?) {
    self.objects = objects
    self.directories = directories
    self.resolve = resolve
  }

  private func object(_ path: String) -> ELFFile? { objects[ExactString(path)] }

  mutating func load(_ program: String) {
    // By the names that they were asked for and by their own.
    var loaded: [ExactString: String] = [:]
    if let interpreter = object(program)?.interpreter, let path = resolve(interpreter),
      let elf = object(path)
    {
      loaded[ExactString(elf.soname ?? RootTree.name(of: path))] = path
    }
    var queue: [(path: String, inherited: [String])] = [(program, [])]
    var next = 0
    var queued: Set<ExactString> = [ExactString(program)]
    while next < queue.count {
      let (path, inherited) = queue[next]
      next += 1
      guard let elf = object(path) else { continue }
      // An object's DT_RPATH counts only if it has no DT_RUNPATH, and so do those of the objects that led to it.
      let own = elf.rpath.isEmpty || !elf.runpath.isEmpty ? [] : expand(elf.rpath, at: path)
      let passed = own + inherited
      let searched = elf.runpath.isEmpty ? passed : expand(elf.runpath, at: path)
      for name in elf.needed {
        let found = loaded[ExactString(name)] ?? find(name, searched, elf.machine)
        let request = LibraryLoads.Request(object: path, name: name, library: found)
        if requests[request] == nil { requests[request] = program }
        guard let found else { continue }
        loaded[ExactString(name)] = found
        if let soname = object(found)?.soname, loaded[ExactString(soname)] == nil {
          loaded[ExactString(soname)] = found
        }
        if queued.insert(ExactString(found)).inserted { queue.append((found, passed)) }
      }
    }
  }

  private mutating func find(_ name: String, _ own: [String], _ machine: ELFFile.Machine) -> String? {
    if name.utf8.contains(UInt8(ascii: "/")) { return library(name, machine) }
    for directory in own + directories + Self.builtIn(machine) {
      if let found = library("\(directory)/\(name)", machine) { return found }
    }
    return nil
  }

  /// What Debian's loader searches without a cache (beside /lib and /usr/lib, which every cache covers).
  private static func builtIn(_ machine: ELFFile.Machine) -> [String] {
    switch machine {
    case .amd64: ["/usr/lib/x86_64-linux-gnu"]
    case .arm64: ["/usr/lib/aarch64-linux-gnu"]
    default: []
    }
  }

  private mutating func library(_ path: String, _ machine: ELFFile.Machine) -> String? {
    let real: String?
    if let before = known[ExactString(path)] {
      real = before
    } else {
      real = resolve(path)
      known[ExactString(path)] = real
    }
    guard let real, let elf = object(real), elf.machine == machine, elf.kind == .shared else { return nil }
    return real
  }

  /// Directories with `$ORIGIN` filled in, without relative ones and those that ask about the processor.
  private func expand(_ directories: [String], at path: String) -> [String] {
    let origin = "/" + RootTree.parent(of: path)
    return directories.map {
      $0.replacing("${ORIGIN}", with: origin).replacing("$ORIGIN", with: origin)
    }
    .filter { $0.utf8.first == UInt8(ascii: "/") && !$0.utf8.contains(UInt8(ascii: "$")) }
  }
}
