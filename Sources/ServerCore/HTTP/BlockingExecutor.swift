internal import NIOPosix

/// Runs tasks on the threads of a pool, which may block. The few threads that all other tasks share may not.
final class BlockingExecutor: TaskExecutor {
  private let pool: NIOThreadPool

  init(_ pool: NIOThreadPool) { self.pool = pool }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // A pool that was stopped runs it at once: a task that was begun must come to its end.
    pool.submit { [self] _ in job.runSynchronously(on: asUnownedTaskExecutor()) }
  }
}
