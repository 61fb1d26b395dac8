/// The kernel modules that stage 0 cannot do without, by canonical name.
enum StageZeroModules {
  /// A loop device over the memory file, dm-verity over it, EROFS on top.
  static let required = ["loop", "dm_mod", "dm_verity", "erofs"]
  /// SHA-256 on the CPU's own instructions, several times faster than the kernel's C code; not every CPU has them.
  static let optional = ["sha256_ssse3", "sha256_ce"]
}
