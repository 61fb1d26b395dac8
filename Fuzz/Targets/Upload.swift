internal import Bytes
@testable internal import Channels
internal import ImageBuilder
internal import Signing
internal import UpdateFramework

/// What a server reads from those who send it something.
extension FuzzTarget {
  static let uploadTargets = [
    FuzzTarget("upload-release", maximumLength: 8192, seeds: { ["plain": Array(sampleRelease.utf8)] }) {
      bytes in
      let release = try SignedUpload.release(bytes)
      for artifact in release.artifacts {
        require(
          !artifact.name.contains("/") && !artifact.name.hasPrefix(".") && artifact.sha256.utf8.count == 64,
          "what becomes part of a path is plain")
      }
    },
    FuzzTarget("upload-composed", seeds: { ["parts": Array(composed.line.dropLast())] }) { bytes in
      guard let object = ComposedObject(bytes, size: 12) else { return }
      require(object.parts.reduce(0) { $0 + $1.part.size } == 12, "the parts make up the whole")
      require(object.sentSize <= 12, "no more is sent than there is")
      require(
        ComposedObject(Array(object.line.dropLast()), size: 12) == object, "the line survives encoding")
    },
    FuzzTarget(
      "upload-question", seeds: { ["two": UploadQuestion.encode([(digest, 5), (digest, 1)])] }
    ) { bytes in
      let question = try UploadQuestion(bytes)
      let again = try UploadQuestion(UploadQuestion.encode(question.parts))
      require(again.parts.map(\.digest) == question.parts.map(\.digest), "a question survives encoding")
    },
    FuzzTarget("upload-closing", seeds: { ["signatures": closing.bytes] }) { bytes in
      let nobody = ChannelPolicy.Authority(keys: [], threshold: 1)
      let read = try UploadClosing(bytes, for: "r", by: nobody)
      require(read.certificates.isEmpty, "nobody has signed for certificates")
      let again = try UploadClosing(read.bytes, for: "r", by: nobody)
      require(again.signatures == read.signatures, "the end survives encoding")
    },
  ]

  private static let digest = SHA256.digest(of: [1]).hex

  private static let composed = ComposedObject(
    Recipe(parts: [.literal([1, 2]), .object(digest, 7), .object(SHA256.digest(of: [2]).hex, 3)]),
    sending: [digest])

  private static var closing: UploadClosing {
    var closing = UploadClosing(release: "r")
    closing.signatures["sbom.dsse.json"] = [Envelope.Signature(keyID: "k", bytes: [1, 2, 3])]
    return closing
  }

  private static let sampleRelease = """
    {"format":1,"name":"router","version":"1.0","architecture":"amd64","timestamp":0,"source":{"dirty":false,
    "manifest":"m","manifestDigest":"m","lockDigest":"l","stage0Digest":"s"},"kernel":{"release":"6.12",
    "commandLine":"quiet"},"root":{"hash":"h","size":4096,"dataSize":4096,"frames":0,"framesSize":0},
    "pcr11":{"boot":"b"},"exceptions":[],"builder":{"version":"0","compressionLevel":1,"formats":{}},
    "artifacts":[{"name":"initrd","sha256":"\(digest)","size":5}]}
    """
}
