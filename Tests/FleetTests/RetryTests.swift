import Fleet
import Manifest
import Testing

@Suite struct RetryTests {
  private let retry = RetryPolicy(failures: 3, backOff: 10, maximumBackOff: 25, settle: 300)

  /// A device that got release `a` and asks again that much later, again and again.
  private func health(after gaps: [Int64], from start: Int64 = 1000) -> (BootHealth, now: Int64) {
    var health = BootHealth()
    var now = start
    for gap in gaps {
      health.handOver("a", now: now)
      now += gap
      _ = health.bootAgain(retry: retry, armed: 0, now: now)
    }
    return (health, now)
  }

  @Test func theWaitDoublesUpToItsLimitAndThenItStaysDown() {
    let (once, t1) = health(after: [20])
    #expect(
      once.readiness(for: "a", armed: 0, retry: retry, now: t1) == .waiting(until: t1 + 10, failures: 1))
    #expect(once.readiness(for: "a", armed: 0, retry: retry, now: t1 + 10) == .ready)
    let (twice, t2) = health(after: [20, 20])
    #expect(
      twice.readiness(for: "a", armed: 0, retry: retry, now: t2) == .waiting(until: t2 + 20, failures: 2))
    let (thrice, t3) = health(after: [20, 20, 20])
    #expect(thrice.readiness(for: "a", armed: 0, retry: retry, now: t3 + 100_000) == .down(failures: 3))
    var never = retry
    never.failures = 0
    #expect(
      thrice.readiness(for: "a", armed: 0, retry: never, now: t3) == .waiting(until: t3 + 25, failures: 3))
  }

  @Test func aBootThatLastedForgivesAll() {
    let (health, now) = health(after: [20, 20, 300])
    #expect(health.failures == 0)
    #expect(health.readiness(for: "a", armed: 0, retry: retry, now: now) == .ready)
  }

  @Test func anotherReleaseArmsItAgain() {
    var (health, now) = health(after: [20, 20, 20])
    #expect(health.readiness(for: "b", armed: 0, retry: retry, now: now) == .ready)
    health.handOver("b", now: now)
    #expect(health.bootAgain(retry: retry, armed: 0, now: now + 5) == true)
    #expect(health.failures(of: "b", armed: 0) == 1 && health.failures(of: "a", armed: 0) == 0)
  }

  @Test func anOperatorArmsItAgain() {
    var (health, now) = health(after: [20, 20, 20])
    #expect(health.readiness(for: "a", armed: now, retry: retry, now: now) == .ready)
    health.handOver("a", now: now)
    #expect(health.bootAgain(retry: retry, armed: now, now: now) == true)
    #expect(health.failures(of: "a", armed: now) == 1)
  }

  @Test func anImageThatNeverArrivedCountsForNothing() {
    var health = BootHealth()
    #expect(health.bootAgain(retry: retry, armed: 0, now: 5) == false)
    health.handOver("a", now: 10)
    #expect(health.bootAgain(retry: retry, armed: 0, now: 12) == true)
    // It asks once more without having got anything.
    #expect(health.bootAgain(retry: retry, armed: 0, now: 14) == false)
    #expect(health.failures == 1)
  }

  @Test func aClockThatWasSetBackLocksNobodyOut() {
    let (health, now) = health(after: [20, 20])
    #expect(health.readiness(for: "a", armed: 0, retry: retry, now: now - 100_000) == .ready)
    var back = BootHealth()
    back.handOver("a", now: 1_000_000)
    #expect(back.bootAgain(retry: retry, armed: 0, now: 5) == false)
  }

  @Test func hugeNumbersDoNotOverflow() {
    var health = BootHealth()
    health.release = "a"
    health.failures = 900
    health.lastFailure = 100
    let patient = RetryPolicy(failures: 1000, backOff: 86_400_000, maximumBackOff: 86_400_000)
    #expect(
      health.readiness(for: "a", armed: 0, retry: patient, now: 101)
        == .waiting(until: 86_400_100, failures: 900))
  }
}

@Suite struct BootRecordTests {
  @Test func whatIsRepeatedIsCounted() {
    var boot = BootRecord(id: 1, device: 1, started: 0, firmware: "f")
    for at in 1...5 { boot.add(BootEvent(at: Int64(at), .binl, "x")) }
    boot.add(BootEvent(at: 6, .fetched, "uki.efi", bytes: 10))
    boot.add(BootEvent(at: 7, .fetched, "uki.efi", bytes: 10))
    #expect(boot.events.map(\.count) == [5, 1, 1])
    #expect(boot.events[0].at == 1 && boot.events[0].until == 5 && boot.updated == 7)
  }

  @Test func aFloodOfEventsIsCutOff() {
    var boot = BootRecord(id: 1, device: 1, started: 0, firmware: "f")
    for at in 0..<1000 { boot.add(BootEvent(at: Int64(at), .notFound, "\(at)")) }
    #expect(boot.events.count == BootRecord.maximumEvents && boot.omitted == 800)
  }

  @Test func ratesAreBytesASecond() {
    #expect(BootEvent(at: 0, .fetched, "f", bytes: 3000, milliseconds: 1500).rate == 2000)
    #expect(BootEvent(at: 0, .fetched, "f", bytes: 3000, milliseconds: 0).rate == nil)
  }
}
