import NetworkTypes
import Testing

@Suite struct AddressTests {
  @Test(arguments: [
    "52:54:00:12:34:56", "52-54-00-12-34-56", "525400123456", "52:54:00:12:34:56".uppercased(),
  ])
  func macIsReadInItsForms(text: String) {
    let mac = MACAddress(text)
    #expect(mac?.description == "52:54:00:12:34:56")
    #expect(mac?.bytes == [0x52, 0x54, 0, 0x12, 0x34, 0x56])
  }

  @Test(arguments: [
    "", "52:54:00:12:34", "52:54:00:12:34:5", "52:54:00:12:34:5g", "52:54-00:12:34:56", "52.54.00.12.34.56",
    "5254:0012:3456", "525400123456 ", "+2:54:00:12:34:56",
  ])
  func macIsRefused(text: String) {
    #expect(MACAddress(text) == nil)
  }

  @Test(arguments: ["0.0.0.0", "192.0.2.1", "255.255.255.255", "10.0.0.10"])
  func ipv4RoundTrips(text: String) {
    #expect(IPv4Address(text)?.description == text)
  }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.-4", "1..2.3", "1.2.3.4 ", "1.2.3.0x4",
  ])
  func ipv4IsRefused(text: String) {
    #expect(IPv4Address(text) == nil)
  }

  @Test func networksContainWhatTheyShould() throws {
    let network = try #require(IPv4Network("192.0.2.0/25"))
    #expect(network.mask.description == "255.255.255.128")
    #expect(network.broadcast.description == "192.0.2.127")
    #expect(network.contains(try #require(IPv4Address("192.0.2.127"))))
    #expect(!network.contains(try #require(IPv4Address("192.0.2.128"))))
    #expect(IPv4Network("192.0.2.1/25") == nil)
    #expect(IPv4Network("192.0.2.0/33") == nil)
    #expect(IPv4Network("192.0.2.0") == nil)
    let everything = try #require(IPv4Network("0.0.0.0/0"))
    #expect(everything.contains(.broadcast))
    #expect(everything.mask == .any)
  }

  // RFC 5952, sections 4 and 5, and the forms of RFC 4291.
  @Test(arguments: [
    ("2001:db8::1", "2001:db8::1"), ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"), ("::", "::"), ("::1", "::1"),
    ("1::", "1::"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("::ffff:192.0.2.1", "::ffff:c000:201"), ("fe80::5054:ff:fe12:3456", "fe80::5054:ff:fe12:3456"),
  ])
  func ipv6IsCanonical(text: String, canonical: String) {
    #expect(IPv6Address(text)?.description == canonical)
  }

  @Test(arguments: [
    "", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "12345::", "g::",
    "::1%1",
    "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "::1.2.3", "1.2.3.4::",
  ])
  func ipv6IsRefused(text: String) {
    #expect(IPv6Address(text) == nil)
  }

  @Test func ipv6Kinds() throws {
    #expect(try #require(IPv6Address("fe80::1")).isLinkLocal)
    #expect(IPv6Address.allDHCPAgents.isMulticast)
    #expect(IPv6Address.allDHCPAgents.description == "ff02::1:2")
    #expect(try #require(IPv6Address("2001:db8::1")).isRoutable)
    #expect(try !#require(IPv6Address("::1")).isRoutable)
    let prefix = try #require(IPv6Address("2001:db8:1::"))
    #expect(prefix.shares(prefixLength: 48, with: try #require(IPv6Address("2001:db8:1:ffff::1"))))
    #expect(!prefix.shares(prefixLength: 64, with: try #require(IPv6Address("2001:db8:1:ffff::1"))))
    #expect(prefix.shares(prefixLength: 0, with: .any))
    #expect(!prefix.shares(prefixLength: 128, with: try #require(IPv6Address("2001:db8:1::1"))))
  }

  // QEMU was given the text, and its firmware sent these bytes: pxe/captures/ovmf-pxe4-full.pcap.
  @Test func uuidHasTheOrderOfSMBIOS() throws {
    let text = "11223344-5566-7788-99aa-bbccddeeff00"
    let wire: [UInt8] = [
      0x44, 0x33, 0x22, 0x11, 0x66, 0x55, 0x88, 0x77, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0,
    ]
    let uuid = try #require(MachineUUID(wire: wire))
    #expect(uuid.description == text)
    #expect(MachineUUID(text) == uuid)
    #expect(MachineUUID(text.uppercased()) == uuid)
    #expect(MachineUUID(standard: [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88] + wire[8...]) == uuid)
    #expect(MachineUUID(wire: wire.dropLast()) == nil)
    #expect(MachineUUID(text.replacing("-", with: "")) == nil)
    #expect(MachineUUID(String(text.dropLast()) + "g") == nil)
    #expect(!uuid.isBlank)
    #expect(MachineUUID(wire: [UInt8](repeating: 0, count: 16))?.isBlank == true)
    #expect(MachineUUID(wire: [UInt8](repeating: 255, count: 16))?.isBlank == true)
  }

  @Test func endpointsAreReadable() throws {
    #expect(Endpoint(try #require(IPv4Address("192.0.2.1")), port: 69).description == "192.0.2.1:69")
    let address = try #require(IPv6Address("fe80::1"))
    #expect(Endpoint(.v6(address), port: 547, scope: 2).description == "[fe80::1%2]:547")
  }

  @Test func heapGivesTheLeastFirst() {
    var heap = Heap<Int>()
    var random = SystemRandomNumberGenerator()
    let numbers = (0..<500).map { _ in Int.random(in: 0..<100, using: &random) }
    for number in numbers { heap.insert(number) }
    var sorted: [Int] = []
    while let first = heap.first {
      sorted.append(first)
      heap.removeFirst()
    }
    #expect(sorted == numbers.sorted())
    #expect(heap.count == 0)
  }

  @Test func eventsHaveABudget() {
    var budget = EventBudget()
    let now = Moment(monotonic: 5_000_000_000, wall: 0)
    #expect((0..<100).filter { _ in budget.allows(now: now) }.count == 20)
    let isAllowedLater = budget.allows(now: now.advanced(seconds: 1))
    #expect(isAllowedLater)
  }
}
