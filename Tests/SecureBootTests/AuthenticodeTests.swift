import Bytes
import Foundation
import ImageFormat
import TestSupport
import Testing

@testable import SecureBoot

@Suite("Authenticode")
struct AuthenticodeTests {
  @Test("a signed program says who signed it, and is the same program")
  func sign() async throws {
    let (one, other) = (try Keys.one.get(), try Keys.other.get())
    let unsigned = try PEImage(ByteRope(SamplePE.small()))
    #expect(try Authenticode.signatures(of: unsigned).isEmpty)
    let once = try await signed(by: [one])
    #expect(try signers(once) == [one.certificate])
    let both = try await signed(once, by: [other])
    #expect(try signers(both) == [one.certificate, other.certificate])
    for bytes in [once, both] {
      let image = try PEImage(ByteRope(bytes))
      #expect(image.isSameProgram(as: unsigned))
      #expect(try image.authenticodeDigest() == unsigned.authenticodeDigest())
      // Nothing but CheckSum, the directory entry and what is appended.
      let checkSum = SamplePE.optionalOffset + 64
      let directory = SamplePE.optionalOffset + 144
      for (offset, byte) in SamplePE.small().enumerated()
      where !(checkSum..<checkSum + 4).contains(offset) && !(directory..<directory + 8).contains(offset) {
        #expect(bytes[offset] == byte, "byte \(offset)")
      }
    }
  }

  @Test("the same program and keys give the same bytes, and nobody signs twice")
  func deterministic() async throws {
    let (one, other) = (try Keys.one.get(), try Keys.other.get())
    let both = try await signed(by: [one, other])
    #expect(try await signed(by: [one, other]) == both)
    #expect(try await signed(both, by: [one]) == both)
    #expect(try await signed(both, by: [other]) == both)
    #expect(try await signed(by: [other, one]) != both)
  }

  @Test("a length that is no multiple of 8 is padded, as the digest has it")
  func padding() async throws {
    let bytes = try await signed(SamplePE.small() + [1, 2, 3], by: [try Keys.one.get()])
    let image = try PEImage(ByteRope(bytes))
    #expect(image.certificates.lowerBound == 0x808)
    #expect(Array(bytes[0x800..<0x808]) == [1, 2, 3, 0, 0, 0, 0, 0])
    #expect(try signers(bytes).count == 1)
  }

  @Test("a program with one bit changed is refused, wherever the bit is")
  func changedProgram() async throws {
    let bytes = try await signed(by: [try Keys.one.get()])
    for offset in [2, SamplePE.signatureOffset + 8, 0x200, 0x400, 0x5FF, 0x600, 0x7FF] {
      var changed = bytes
      changed[offset] ^= 1
      #expect(code { _ = try signers(changed) } == .badSignature, "byte \(offset)")
    }
    var checkSum = bytes
    checkSum[SamplePE.optionalOffset + 64] ^= 1
    #expect(try signers(checkSum).count == 1)
  }

  @Test("one bit changed in what is signed, in the attributes or in the signature is refused")
  func changedSignature() async throws {
    let bytes = try await signed(by: [try Keys.one.get()])
    let image = try PEImage(ByteRope(bytes))
    let table = image.certificates.lowerBound
    // ContentInfo and SignedData begin with 8 + 4 + 11 + 4 bytes of headers.
    var reader = DERReader(bytes[(table + 27)...], "test")
    let data = try reader.next(DER.Tag.sequence, "SignedData")
    let signature = try SignedData(data, source: "test")
    let content = try #require(signature.content)
    let attributes = try #require(signature.attributes)
    for part in [content, Array(attributes.dropFirst()), signature.signature] {
      let place = try #require(
        (table..<bytes.count - part.count + 1).first { bytes[$0..<$0 + part.count].elementsEqual(part) })
      for offset in place..<place + part.count {
        var changed = bytes
        changed[offset] ^= 0x10
        #expect(code { _ = try signers(changed) } != nil, "byte \(offset - table) of the table")
      }
    }
  }

  @Test("no changed byte and no cut makes the reader trap or trust another signer")
  func hostile() async throws {
    let one = try Keys.one.get()
    let bytes = try await signed(by: [one])
    let start = try PEImage(ByteRope(bytes)).certificates.lowerBound
    let der = one.certificate.der
    let place = try #require(
      (start..<bytes.count - der.count + 1).first { bytes[$0..<$0 + der.count].elementsEqual(der) })
    for offset in start..<bytes.count {
      for value in [0, 0x7F, 0x80, 0xFF, bytes[offset] ^ 1] as [UInt8] {
        var changed = bytes
        changed[offset] = value
        guard changed != bytes, let found = try? signers(changed) else { continue }
        // What no signature covers may differ; a changed certificate is another, and trusted by nobody.
        let isInside = (place..<place + der.count).contains(offset)
        #expect((found == [one.certificate]) != isInside, "byte \(offset - start) of the table")
      }
    }
    let entry = try PEImage(ByteRope(bytes)).certificateEntries()[0].content
    let digest = try PEImage(ByteRope(bytes)).authenticodeDigest()
    for count in 0..<entry.count {
      #expect(code { _ = try Authenticode.verify(Array(entry[..<count]), digest, "it") } == .malformed)
    }
    #expect(code { _ = try Authenticode.verify(entry + [0, 0, 1], digest, "it") } == .malformed)
    #expect(code { _ = try Authenticode.verify(entry + [0, 0, 0], digest, "it") } == nil)
  }

  @Test("a good signature of something else is refused: of another program, and of data that are none")
  func otherContent() async throws {
    let one = try Keys.one.get()
    let image = try PEImage(ByteRope(SamplePE.small()))
    let other = try PEImage(ByteRope(try await signed(SamplePE.small() + [1], by: [one])))
    let stolen = try image.replacingCertificates(other.certificateEntries()).flattened()
    #expect(code { _ = try signers(stolen) } == .badSignature)
    let text = try await SignedData.sign(
      contentType: ObjectIdentifier.data, content: DER.octetString(image.authenticodeDigest().bytes),
      signer: one.signer)
    let detached = try await SignedData.sign(detached: image.authenticodeDigest().bytes, signer: one.signer)
    for data in [text, detached] {
      let content = DER.sequence(
        ObjectIdentifier.signedData, DER.element(DER.Tag.constructed(0), data.encode()))
      let file = try image.replacingCertificates([PEImage.Certificate(content: content)]).flattened()
      #expect(code { _ = try signers(file) } == .badSignature)
    }
    let kind = try image.replacingCertificates([PEImage.Certificate(type: 1, content: [1])]).flattened()
    #expect(code { _ = try signers(kind) } == .unsupported)
  }
}
