/// What an image builder has to know of a 64-bit little-endian ELF file (System V gABI, chapters 4 and 5).
///
/// The dynamic part is read as a loader does, through the program headers, so that stripped section headers hide
/// nothing. Every offset comes from the file and is checked before use.
package struct ELFFile: Sendable {
  /// `e_machine`: 62 is x86-64, 183 is AArch64.
  package struct Machine: RawRepresentable, Hashable, Sendable {
    /// The number in the file.
    package let rawValue: UInt16
    /// Any number is a machine.
    package init(rawValue: UInt16) { self.rawValue = rawValue }
    /// x86-64, under Debian's name for it.
    package static let amd64 = Machine(rawValue: 62)
    /// AArch64, under Debian's name for it.
    package static let arm64 = Machine(rawValue: 183)
  }

  /// `e_type`.
  package struct Kind: RawRepresentable, Hashable, Sendable {
    /// The number in the file.
    package let rawValue: UInt16
    /// Any number is a kind.
    package init(rawValue: UInt16) { self.rawValue = rawValue }
    /// An object file, which a kernel module is too.
    package static let relocatable = Kind(rawValue: 1)
    /// A program at a fixed address.
    package static let executable = Kind(rawValue: 2)
    /// A shared library or a position-independent program.
    package static let shared = Kind(rawValue: 3)
  }

  /// One section header's name and the bytes of the file that it covers.
  package struct Section: Equatable, Sendable {
    /// The name in the section header string table, such as `.modinfo`.
    package let name: String
    /// Offsets in the file; empty for sections that take no room in it (`SHT_NOBITS`).
    package let range: Range<Int>
  }

  /// Symbol versions that this file wants from one library (`DT_VERNEED`).
  package struct VersionNeed: Equatable, Sendable {
    /// The library's soname.
    package let file: String
    /// Version names such as `GLIBC_2.34`, in file order, without those that are marked as weak.
    package let versions: [String]
  }

  /// The processor it is for.
  package let machine: Machine
  /// Object, program or library.
  package let kind: Kind
  /// The dynamic loader's path (`PT_INTERP`).
  package let interpreter: String?
  /// `DT_SONAME`.
  package let soname: String?
  /// `DT_NEEDED`, in file order: the sonames that must be there.
  package let needed: [String]
  /// `DT_RPATH`, split at colons; a loader ignores it where there is a `runpath`.
  package let rpath: [String]
  /// `DT_RUNPATH`, split at colons.
  package let runpath: [String]
  /// `DT_VERNEED`, in file order.
  package let versionNeeds: [VersionNeed]
  /// `DT_VERDEF`: names of the versions that it defines, without the base version (its own name).
  package let versionDefinitions: [String]
  /// The x86-64 micro-architecture levels that it demands, as `GNU_PROPERTY_X86_ISA_1_NEEDED` bits (bit 0 is the
  /// baseline, bit 1 is v2, …); 0 where nothing is said.
  package let isaNeeded: UInt32
  /// Section headers in file order, without the empty first one; none if stripped.
  package let sections: [Section]

  private let bytes: [UInt8]

  /// Whether the bytes begin with ELF's magic number.
  package static func isELF(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46])
  }

  /// Reads the headers of a whole file. `path` is for errors only: `unsupported` for another class, byte order or no
  /// ELF at all; `truncated` and `malformed` for what lies outside the file or its tables.
  package init(_ bytes: [UInt8], path: String) throws(NativeActionError) {
    let image = ELFImage(bytes: bytes, path: path)
    let header = try ELFHeader(image)
    machine = Machine(rawValue: header.machine)
    kind = Kind(rawValue: header.kind)
    sections = try image.sections(header)
    let segments = try image.segments(header)
    interpreter = try image.interpreter(segments)
    let dynamic = try ELFDynamic(image, segments)
    soname = dynamic.soname
    needed = dynamic.needed
    rpath = dynamic.rpath
    runpath = dynamic.runpath
    versionNeeds = dynamic.versionNeeds
    versionDefinitions = dynamic.versionDefinitions
    isaNeeded = header.machine == Machine.amd64.rawValue ? try image.isaNeeded(segments) : 0
    self.bytes = bytes
  }

  /// The first section of that name, as `kmod` and `objcopy` take it.
  package func section(_ name: String) -> Section? {
    sections.first { $0.name == name }
  }

  /// The bytes of the first section of that name; `nil` if there is none.
  package func data(ofSection name: String) -> ArraySlice<UInt8>? {
    section(name).map { bytes[$0.range] }
  }
}
