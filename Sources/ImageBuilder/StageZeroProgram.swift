internal import NativeActions

/// The netimg-init that goes into an image.
enum StageZeroProgram {
  /// Refuses a program that could not run as the initrd's only file.
  static func check(_ bytes: [UInt8]) throws(BuildError) {
    guard let elf = try? ELFFile(bytes, path: "netimg-init"), elf.machine == .amd64 else {
      throw BuildError(.badInput, "netimg-init is no x86-64 program: run make build")
    }
    guard elf.interpreter == nil, elf.needed.isEmpty else {
      throw BuildError(
        .badInput,
        "netimg-init is dynamically linked (it is what a plain swift build makes), and the initrd has no libraries: run make build"
      )
    }
  }
}
