internal import PacketIO

/// Writes batches of leases down, so that packets need not wait for the disk: on a thread of its own if a loop is there
/// to come back to.
struct LeaseCommitter: Sendable {
  private let store: any LeaseStore
  private let loop: EventLoop?
  private let worker: EventLoop?

  /// One that writes at once, on the caller's thread.
  init(store: any LeaseStore) {
    self.store = store
    loop = nil
    worker = nil
  }

  /// One with a thread of its own.
  /// - Parameter loop: Where packets are handled.
  init(store: any LeaseStore, returningTo loop: EventLoop) throws(PacketIOError) {
    let worker = try EventLoop()
    try worker.start()
    self.store = store
    self.loop = loop
    self.worker = worker
  }

  /// Writes the leases of some answers, and says on the loop's thread what became of that: nothing, or an error.
  func commit(_ batch: [LeaseAnswer], done: @escaping @Sendable ((any Error)?) -> Void) {
    @Sendable func write() -> (any Error)? {
      do {
        try store.commitLeases(batch.flatMap(\.changes))
        return nil
      } catch {
        return error
      }
    }
    guard let loop, let worker else { return done(write()) }
    worker.perform {
      let error = write()
      loop.perform { done(error) }
    }
  }

  /// Ends the thread; what was handed in before is written.
  func stop() { worker?.stop() }
}
