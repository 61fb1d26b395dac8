import FoundationEssentials

/// The Python whose packages foreign checks use: `NETIMG_TEST_PYTHON`, else the one on the PATH.
package let testPython = ProcessInfo.processInfo.environment["NETIMG_TEST_PYTHON"] ?? "python3"

/// Whether that Python has a module: the condition for tests that need one.
package func hasPythonModule(_ name: String) -> Bool { hasModule(testPython, name) }

/// A Python that has a module: the one above, else Debian's own, where the modules of Debian's packages are.
package func python(with module: String) -> String? {
  [testPython, "/usr/bin/python3"].first { hasModule($0, module) }
}

private func hasModule(_ python: String, _ name: String) -> Bool {
  (try? run([python, "-c", "import \(name)"]).status) == 0
}
