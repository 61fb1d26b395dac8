import FoundationEssentials

/// The Python whose packages foreign checks use: `NETIMG_TEST_PYTHON`, else the one on the PATH.
package let testPython = ProcessInfo.processInfo.environment["NETIMG_TEST_PYTHON"] ?? "python3"

/// Whether that Python has a module: the condition for tests that need one.
package func hasPythonModule(_ name: String) -> Bool {
  (try? run([testPython, "-c", "import \(name)"]).status) == 0
}
