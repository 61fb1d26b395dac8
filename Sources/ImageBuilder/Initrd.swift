package import Bytes
internal import FrameFormat
internal import ImageFormat

/// The initrd of a release: what stage 0 finds when the kernel starts it (docs/formats/initrd.md).
///
/// Two archives, one after the other: a compressed one with stage 0 and the kernel modules it needs, and a plain one with
/// the index and the frames, which are compressed already and which several artifacts share.
package struct Initrd: Sendable {
  /// A kernel module that stage 0 loads, in the order of loading.
  package struct Module: Sendable {
    package let name: String
    package let bytes: [UInt8]
    /// Whether the boot goes on without it, such as a faster SHA-256 that this CPU may not have.
    package let isOptional: Bool

    package init(name: String, bytes: [UInt8], isOptional: Bool) {
      self.name = name
      self.bytes = bytes
      self.isOptional = isOptional
    }
  }

  /// Changes whenever the same parts become other bytes.
  package static let formatVersion = 2

  /// Its files have no time: a time would make another archive of the same program and modules in each release, which every
  /// device would fetch anew.
  package static func write(
    stage0: [UInt8], modules: [Module], image: RootImage, compressionLevel: Int, cache: FrameCache
  ) throws -> ByteRope {
    var program = CpioArchive(timestamp: 0)
    try program.directory("netimg", permissions: 0o700)
    try program.directory("netimg/modules", permissions: 0o700)
    try program.file("init", contents: ByteRope(stage0), permissions: 0o755)
    var order = ""
    for module in modules {
      let file = "\(module.name).ko"
      try program.file("netimg/modules/\(file)", contents: ByteRope(module.bytes), permissions: 0o600)
      order += (module.isOptional ? "?" : "") + file + "\n"
    }
    try program.file("netimg/modules/order", contents: ByteRope(Array(order.utf8)), permissions: 0o600)
    let archive = program.finish().flattened()
    let compressed = try cache.frame(SHA256.digest(of: archive), level: compressionLevel) { archive }.stored

    var frames = CpioArchive(timestamp: 0)
    try frames.directory("netimg", permissions: 0o700)
    try frames.directory("netimg/frames", permissions: 0o700)
    try frames.file("netimg/index", contents: ByteRope(image.index.encode()), permissions: 0o600)
    var written: Set<SHA256Digest> = []
    for (frame, stored) in zip(image.index.frames, image.frames) where written.insert(frame.digest).inserted {
      try frames.file("netimg/frames/\(frame.digest.hex)", contents: ByteRope(stored), permissions: 0o600)
    }

    var initrd = ByteRope(compressed)
    initrd.align(to: 4)  // The kernel looks for the next archive at a multiple of four.
    initrd.append(frames.finish())
    return initrd
  }
}
