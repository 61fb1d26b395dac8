import Glibc
import NetworkTypes
import TestSupport
import Testing

@testable import PacketIO

@Suite struct PacketTests {
  // The frame of a DHCPOFFER that dnsmasq's kernel sent, taken apart by tcpdump: headers, and both checksums.
  @Test func checksumsAreThoseOfTheStandards() {
    // RFC 1071, section 3: the sum of 0001 f203 f4f5 f6f7 is ddf2.
    #expect(IPv4Packet.checksum([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]) == ~0xddf2)
    #expect(IPv4Packet.checksum([]) == 0xffff)
    #expect(IPv4Packet.checksum([0xff]) == 0x00ff)
  }

  @Test func aPacketIsReadAsItWasWritten() throws {
    let source = try #require(IPv4Address("192.0.2.1"))
    let destination = try #require(IPv4Address("192.0.2.100"))
    for payload in [[], [1], [1, 2], [UInt8](repeating: 0xff, count: 1000)] as [[UInt8]] {
      let packet = IPv4Packet.udp(payload, from: source, port: 67, to: destination, port: 68)
      #expect(IPv4Packet.checksum(Array(packet[..<20])) == 0, "a right header sums up to nothing")
      let pseudo = source.bytes + destination.bytes + [0, 17] + packet[24..<26] + packet[20...]
      #expect(IPv4Packet.checksum(Array(pseudo)) == 0, "and so does a right datagram")
      let datagram = try #require(IPv4Packet.datagram(packet, interface: 3))
      #expect(datagram.payload == payload)
      #expect(datagram.source == Endpoint(source, port: 67))
      #expect(datagram.destination == .v4(destination))
      #expect(datagram.port == 68)
      #expect(datagram.interface == 3)
      for count in packet.indices {
        #expect(IPv4Packet.datagram(Array(packet[..<count]), interface: 3) == nil)
      }
    }
  }

  @Test(arguments: [
    (0, 0x65), (0, 0x44), (0, 0x4f), (3, 0x1b), (3, 0xff), (9, 6), (25, 7), (25, 200),
  ])
  func headersThatLieAreRefused(offset: Int, value: UInt8) throws {
    let address = try #require(IPv4Address("192.0.2.1"))
    var packet = IPv4Packet.udp([1, 2, 3], from: address, port: 67, to: address, port: 68)
    packet[offset] = value
    #expect(IPv4Packet.datagram(packet, interface: 3) == nil)
  }

  @Test func loopbackIsListed() throws {
    let interfaces = try Interfaces.current()
    let loopback = try #require(interfaces.first { $0.name == "lo" })
    #expect(loopback.hardwareAddress == nil)
    #expect(loopback.ipv4.contains { $0.address.description == "127.0.0.1" && $0.prefixLength == 8 })
    #expect(loopback.mtu >= 1500)
    #expect(loopback.index > 0)
  }

  @Test func datagramsKnowWhereTheyCameInAndGoOutFromThere() throws {
    let server = try UDPPort(.v4, number: 0)
    let client = try UDPPort(.v4, number: 0)
    let target = try #require(IPv4Address("127.0.0.9"))
    let own = try #require(IPv4Address("127.0.0.5"))
    let failures = client.send([
      OutgoingDatagram(
        payload: [1, 2, 3], destination: .endpoint(Endpoint(target, port: server.number)),
        port: client.number,
        source: .v4(own), interface: 0)
    ])
    #expect(failures.isEmpty)
    let datagram = try #require(wait(for: server).first)
    #expect(datagram.payload == [1, 2, 3])
    #expect(datagram.source == Endpoint(own, port: client.number))
    #expect(datagram.destination == .v4(target))
    #expect(datagram.interface == (try Interfaces.current().first { $0.name == "lo" })?.index)
    // A batch larger than one call takes.
    let many = (0..<150).map { number in
      OutgoingDatagram(
        payload: [UInt8(number)], destination: .endpoint(datagram.source), port: server.number,
        source: datagram.destination, interface: datagram.interface)
    }
    #expect(server.send(many).isEmpty)
    var received: [IncomingDatagram] = []
    while received.count < 150, case let more = wait(for: client), !more.isEmpty { received += more }
    #expect(received.map(\.payload) == many.map(\.payload))
    #expect(received.allSatisfy { $0.source == Endpoint(target, port: server.number) })
  }

  @Test func whatCannotBeSentIsNamedAndTheRestGoes() throws {
    let server = try UDPPort(.v4, number: 0)
    let client = try UDPPort(.v4, number: 0)
    let home = Endpoint(try #require(IPv4Address("127.0.0.1")), port: client.number)
    func datagram(_ byte: UInt8, interface: UInt32 = 0, to: OutgoingDatagram.Destination? = nil)
      -> OutgoingDatagram
    {
      OutgoingDatagram(
        payload: [byte], destination: to ?? .endpoint(home), port: server.number, source: nil,
        interface: interface)
    }
    let failures = server.send([
      datagram(1), datagram(2, interface: 4_000_000), datagram(3),
      datagram(4, to: .station(MACAddress(value: 1), home)), datagram(5),
    ])
    #expect(failures.map(\.0.payload) == [[2], [4]])
    #expect(failures.allSatisfy { !$0.reason.isEmpty })
    var received: [[UInt8]] = []
    while received.count < 3, case let more = wait(for: client), !more.isEmpty {
      received += more.map(\.payload)
    }
    #expect(received == [[1], [3], [5]])
  }

  @Test func aPortInUseIsSaidSo() throws {
    let port = try UDPPort(.v4, number: 0)
    let error = #expect(throws: PacketIOError.self) { try UDPPort(.v4, number: port.number) }
    #expect(error?.code == .portInUse)
    #expect(error?.description.contains("\(port.number)") == true)
  }

  @Test func theLoopRunsJobsTimersAndSources() throws {
    final class Source: EventSource {
      let port: UDPPort
      var runs = 0
      var payloads: [[UInt8]] = []
      init(port: UDPPort) { self.port = port }
      func ready(_ token: UInt32) { payloads += port.receive().map(\.payload) }
      func run(now: Moment) -> UInt64? {
        runs += 1
        return runs < 5 ? now.monotonic + 1_000_000 : nil
      }
    }
    let loop = try EventLoop()
    let source = Source(port: try UDPPort(.v4, number: 0))
    let number = loop.add(source)
    try loop.watch(source.port.file, source: number, token: 0)
    try loop.start()
    let client = try UDPPort(.v4, number: 0)
    _ = client.send([
      OutgoingDatagram(
        payload: [7],
        destination: .endpoint(Endpoint(IPv4Address(value: 0x7f00_0001), port: source.port.number)),
        port: client.number, source: nil, interface: 0)
    ])
    var tries = 0
    while tries < 1000 {
      tries += 1
      usleep(1000)
      let done = Flag()
      loop.perform { done.set() }
      while !done.isSet { usleep(100) }
      if tries > 50 { break }
    }
    loop.stop()
    // The thread is gone: what it owned is ours again.
    #expect(source.payloads == [[7]])
    #expect(source.runs >= 5)
  }

  @Test func aLoopStaysAwakeOnlyWhereThatPaysOff() {
    var polling = AdaptivePolling(limit: 100_000)
    #expect(polling.budget == 0)
    // Answers come in 40 us: polls grow until one is long enough, and then nothing sleeps any more.
    polling.slept(40_000)
    #expect(polling.budget == 10_000)
    polling.slept(30_000)
    #expect(polling.budget == 20_000)
    polling.slept(20_000)
    #expect(polling.budget == 40_000)
    // The first silence that is longer, the poll counted in, ends it.
    polling.slept(60_001)
    #expect(polling.budget == 0)
    for _ in 0..<10 { polling.slept(0) }
    #expect(polling.budget == 100_000)
    polling.slept(1)
    #expect(polling.budget == 0)
    polling.slept(5_000)
    polling.limit = 0
    #expect(polling.budget == 0)
    var never = AdaptivePolling()
    never.slept(1)
    #expect(never.budget == 0)
  }

  @Test func aLoopThatPollsStillSleepsAndIsWokenByJobs() throws {
    final class Source: EventSource {
      let port: UDPPort
      init(port: UDPPort) { self.port = port }
      // An echo, so that a client in lockstep keeps the loop polling.
      func ready(_ token: UInt32) {
        for datagram in port.receive() {
          _ = port.send([
            OutgoingDatagram(
              payload: datagram.payload, destination: .endpoint(datagram.source), port: port.number,
              source: nil,
              interface: 0)
          ])
        }
      }
      func run(now: Moment) -> UInt64? { nil }
      var longestPoll: UInt64 { 100_000 }
    }
    let loop = try EventLoop()
    let source = Source(port: try UDPPort(.v4, number: 0))
    let server = Endpoint(IPv4Address(value: 0x7f00_0001), port: source.port.number)
    let number = loop.add(source)
    try loop.watch(source.port.file, source: number, token: 0)
    try loop.start()
    let client = try UDPPort(.v4, number: 0)
    for round in 0..<2000 {
      let payload = [UInt8(round & 0xff), UInt8(round >> 8)]
      _ = client.send([
        OutgoingDatagram(
          payload: payload, destination: .endpoint(server), port: client.number, source: nil, interface: 0)
      ])
      var answers: [IncomingDatagram] = []
      var tries = 0
      while answers.isEmpty, tries < 2_000_000 {
        tries += 1
        answers = client.receive()
      }
      #expect(answers.map(\.payload) == [payload])
    }
    let done = Flag()
    loop.perform { done.set() }
    while !done.isSet { usleep(100) }
    loop.stop()
  }

  private func wait(for port: UDPPort) -> [IncomingDatagram] {
    for _ in 0..<2000 {
      let datagrams = port.receive()
      if !datagrams.isEmpty { return datagrams }
      usleep(1000)
    }
    return []
  }
}
