internal import CCurlShim
internal import Synchronization
internal import Glibc

/// Runs transfers on one thread through libcurl's multi interface: at most so many at once, the rest waits in
/// the order of submission.
package final class TransferEngine: Sendable {
  private struct Queue {
    var waiting: [(id: Int, transfer: Transfer)] = []
    var cancelled: Set<Int> = []
    var nextID = 0
    var isStopped = false
  }

  private let queue = Mutex(Queue())
  private let policy: TransferPolicy
  // A libcurl multi handle: the thread's alone, but for curl_multi_wakeup, which any thread may call.
  private nonisolated(unsafe) let multi: UnsafeMutableRawPointer

  private static let isInitialised = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// - Throws: ``TransferUnavailable`` if libcurl or a thread cannot be had, which means that memory is
  ///   short.
  package init(policy: TransferPolicy) throws(TransferUnavailable) {
    guard Self.isInitialised, let multi = curl_multi_init() else { throw TransferUnavailable() }
    self.multi = multi
    self.policy = policy
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let created = pthread_create(
      &thread, nil,
      { context in
        if let context { Unmanaged<TransferEngine>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, context.toOpaque())
    guard created == 0 else {
      context.release()
      throw TransferUnavailable()
    }
    pthread_detach(thread)
  }

  /// Fetches one address into a sink, from byte `offset` on; ends early if the task is cancelled, or if the
  /// server announces more than `limit` bytes. A server that announces nothing is the sink's to stop.
  package func perform(
    address: String, offset: Int = 0, limit: Int, into sink: any TransferSink
  ) async -> TransferEnd {
    await submit { continuation in
      Transfer(address: address, offset: offset, limit: limit, sink: sink, continuation: continuation)
    }
  }

  /// Sends a request.
  /// - Parameter limit: The most bytes of an answer's body; a longer one counts as none.
  package func send(_ request: TransferRequest, limit: Int) async -> TransferAnswer {
    let sink = MemorySink(limit: limit)
    let end = await submit { continuation in
      Transfer(
        address: request.address, offset: 0, limit: limit, sink: sink, request: request,
        continuation: continuation)
    }
    guard case .status(let status) = end else { return .failed(end) }
    return .answered(status: status, body: sink.bytes)
  }

  private func submit(
    _ make: @Sendable (CheckedContinuation<TransferEnd, Never>) -> Transfer
  ) async -> TransferEnd {
    let id = queue.withLock { queue in
      queue.nextID += 1
      return queue.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let transfer = make(continuation)
        let isAccepted = queue.withLock { queue in
          guard !queue.isStopped else { return false }
          queue.waiting.append((id, transfer))
          curl_multi_wakeup(multi)
          return true
        }
        if !isAccepted { transfer.finish(.cancelled) }
      }
    } onCancel: {
      queue.withLock { queue in
        guard !queue.isStopped else { return }
        queue.cancelled.insert(id)
        curl_multi_wakeup(multi)
      }
    }
  }

  /// Ends the thread; what is still running is cancelled.
  package func stop() {
    queue.withLock { queue in
      guard !queue.isStopped else { return }
      queue.isStopped = true
      curl_multi_wakeup(multi)
    }
  }

  private struct Active {
    let id: Int
    let transfer: Transfer
  }

  private func run() {
    var active: [UnsafeMutableRawPointer: Active] = [:]
    var isStopped = false
    while !isStopped {
      isStopped = advance(&active)
      var running: Int32 = 0
      curl_multi_perform(multi, &running)
      // A finished transfer makes room: look at the queue before sleeping.
      if !isStopped, reap(&active) == 0 { curl_multi_poll(multi, nil, 0, 1000, nil) }
    }
    for (handle, entry) in active { end(handle, entry) { $0.finish(.cancelled) } }
    let left = queue.withLock { queue in
      defer { queue.waiting = [] }
      return queue.waiting
    }
    for entry in left { entry.transfer.finish(.cancelled) }
    // Under the lock, and after isStopped: no wake-up can be in flight.
    queue.withLock { _ in _ = curl_multi_cleanup(multi) }
  }

  /// Takes cancellations and new transfers from the queue; true once the engine is to stop.
  private func advance(_ active: inout [UnsafeMutableRawPointer: Active]) -> Bool {
    let room = max(1, policy.parallel) - active.count
    let (fresh, cancelled, isStopped) = queue.withLock { queue in
      let cancelled = queue.cancelled
      let dropped = queue.waiting.filter { cancelled.contains($0.id) }
      queue.waiting.removeAll { cancelled.contains($0.id) }
      let fresh = Array(queue.waiting.prefix(max(0, room)))
      queue.waiting.removeFirst(fresh.count)
      // An identifier stays while its transfer may still be on its way here; it is small, and bounded by use.
      queue.cancelled.subtract(dropped.map(\.id))
      queue.cancelled.subtract(active.values.map(\.id))
      return (fresh, (ids: cancelled, dropped: dropped), queue.isStopped)
    }
    for entry in cancelled.dropped { entry.transfer.finish(.cancelled) }
    for (handle, entry) in active where cancelled.ids.contains(entry.id) {
      active[handle] = nil
      end(handle, entry) { $0.finish(.cancelled) }
    }
    for entry in fresh {
      guard let handle = entry.transfer.makeHandle(policy: policy) else {
        entry.transfer.finish(.failed("libcurl refuses the address"))
        continue
      }
      guard curl_multi_add_handle(multi, handle) == CURLM_OK else {
        curl_easy_cleanup(handle)
        entry.transfer.finish(.failed("libcurl refuses the transfer"))
        continue
      }
      active[handle] = Active(id: entry.id, transfer: entry.transfer)
    }
    return isStopped
  }

  /// Finishes what libcurl is done with; how many those were.
  private func reap(_ active: inout [UnsafeMutableRawPointer: Active]) -> Int {
    var count = 0
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
      let code = message.pointee.data.result
      count += 1
      if let entry = active.removeValue(forKey: handle) { end(handle, entry) { $0.finish(code) } }
    }
    return count
  }

  private func end(_ handle: UnsafeMutableRawPointer, _ entry: Active, _ finish: (Transfer) -> Void) {
    curl_multi_remove_handle(multi, handle)
    finish(entry.transfer)
    curl_easy_cleanup(handle)
  }
}
