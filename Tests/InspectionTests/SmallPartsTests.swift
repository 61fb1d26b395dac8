import Bytes
import FrameFormat
import Inspection
import NativeActions
import Testing

@Suite("parts of differences")
struct SmallPartsTests {
  @Test("added, removed and changed, by name")
  func namedChanges() {
    let changes = NamedChanges(from: ["a": "1", "b": "1", "d": "4"], to: ["b": "2", "c": "3", "d": "4"])
    #expect(changes.added.map(\.name) == ["c"] && changes.added.first?.value == "3")
    #expect(changes.removed.map(\.name) == ["a"])
    #expect(changes.changed.map(\.name) == ["b"])
    #expect(changes.changed.first?.from == "1" && changes.changed.first?.to == "2")
    #expect(NamedChanges(from: [:], to: [:]).isEmpty)
  }

  @Test("a kernel's configuration: what is set, whatever its value")
  func kernelConfiguration() {
    let text = "#\n# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_C=\"a=b # c\"\nCONFIG_D=m\nOTHER=1\nCONFIG_E\n"
    #expect(
      KernelConfiguration.parse(Array(text.utf8)) == [
        "CONFIG_B": "y", "CONFIG_C": "\"a=b # c\"", "CONFIG_D": "m",
      ])
  }

  private func unit(_ name: String, _ text: String) throws -> UnitEnablement.Unit {
    UnitEnablement.Unit(
      name: try #require(UnitName(name)), path: "/\(name)",
      file: try UnitFile.parse(Array(text.utf8), file: name))
  }

  @Test("sockets by what they say, an empty assignment drops what came before, daemons by what they are")
  func listening() throws {
    let socket = try unit(
      "x.socket",
      "[Socket]\nListenStream=80\nListenStream=\nListenStream=[::1]:22\nListenStream=@x\nListenDatagram=53\nListenFIFO=/run/f\n"
    )
    #expect(
      ListeningSocket.addresses(of: socket) == ["tcp [::1]:22", "unix @x", "udp 53", "fifo /run/f"])
    let service = try unit(
      "bgp.service", "[Service]\nExecStartPre=-/bin/true\nExecStart=!/usr/lib/frr/bgpd -A ::1\n")
    #expect(ListeningSocket.addresses(of: service) == ["tcp 179"])
    #expect(ListeningSocket.addresses(of: try unit("x.target", "[Unit]\n")).isEmpty)
  }

  @Test("a frame that occurs twice is fetched once, one that is there not at all")
  func download() {
    func frame(_ number: UInt8) -> RootIndex.Frame {
      RootIndex.Frame(digest: SHA256.digest(of: [number]), storedSize: 100 + Int(number), size: 4096)
    }
    func index(_ numbers: [UInt8]) -> RootIndex {
      RootIndex(dataSize: 4096, rootHash: SHA256.digest(of: []), frames: numbers.map(frame))
    }
    let download = Download(from: index([1, 2]), to: index([2, 3, 3, 4]))
    #expect(download.frames == 2 && download.bytes == 207)
    #expect(download.allFrames == 3 && download.allBytes == 309)
  }
}
