internal import CPosixShim

/// Why stage 0 stopped: one line for the console, the cause included.
package struct Stage0Error: Error, Sendable {
  package let message: String

  package init(_ message: String) {
    self.message = message
  }

  /// The failure of a system call, in the system's words. Call it before anything else can change errno.
  package init(call action: String) {
    let number = netimg_errno()
    message = "\(action): \(String(cString: strerror(number)))"
  }
}
