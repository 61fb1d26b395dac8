/// Debian's short names (copyright-format 1.0, section 7.1) in the words of the SPDX licence list.
enum SPDXLicenseList {
  /// The identifier for a short name; `nil` if the list has none that surely means the same.
  static func identifier(_ name: String) -> String? {
    let lower = name.lowercased()
    return names[lower] ?? gnu(lower)
  }

  /// The exception that `… with NAME exception` means.
  static func exception(_ name: String) -> String? { exceptions[name.lowercased()] }

  /// Identifiers that only differ in case from what Debian writes, and names that differ.
  private static let names: [String: String] = {
    var names: [String: String] = [
      "expat": "MIT", "gpl": "GPL-1.0-or-later", "lgpl": "LGPL-2.0-or-later", "agpl": "AGPL-3.0-or-later",
      "cc0": "CC0-1.0", "zlib/libpng": "Zlib", "artistic-1": "Artistic-1.0", "artistic-2": "Artistic-2.0",
      "apache-2": "Apache-2.0", "python": "Python-2.0", "python-2": "Python-2.0", "psf-2": "PSF-2.0",
      "unicode-data": "Unicode-DFS-2016", "openssl": "OpenSSL", "bsl-1": "BSL-1.0",
    ]
    let same = [
      "Apache-2.0", "Apache-1.1", "Artistic-1.0", "Artistic-2.0", "Beerware", "BSD-1-Clause", "BSD-2-Clause",
      "BSD-3-Clause", "BSD-4-Clause", "0BSD", "BSL-1.0", "CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0",
      "CC-BY-SA-4.0", "CDDL-1.0", "CPL-1.0", "curl", "EPL-1.0", "EPL-2.0", "FSFAP", "FSFUL", "FSFULLR", "FTL",
      "ICU", "ISC", "LPPL-1.3c", "MIT", "MIT-0", "MPL-1.1", "MPL-2.0", "NCSA", "OFL-1.1", "OLDAP-2.8",
      "OpenSSL", "PostgreSQL", "PSF-2.0", "Python-2.0", "SISSL", "Sleepycat", "TCL", "Unicode-DFS-2016",
      "Unicode-3.0", "Unlicense", "Vim", "W3C", "WTFPL", "X11", "Zlib", "ZPL-2.1",
    ]
    for identifier in same { names[identifier.lowercased()] = identifier }
    return names
  }()

  private static let exceptions = [
    "linux-syscall-note": "Linux-syscall-note", "bison": "Bison-exception-2.2",
    "bison-2.2": "Bison-exception-2.2",
    "gcc": "GCC-exception-3.1", "gcc-runtime-library": "GCC-exception-3.1", "libtool": "Libtool-exception",
    "font": "Font-exception-2.0", "classpath": "Classpath-exception-2.0",
  ]

  private static let gnuVersions: [String: [String]] = [
    "GPL": ["1.0", "2.0", "3.0"], "LGPL": ["2.0", "2.1", "3.0"], "AGPL": ["1.0", "3.0"],
    "GFDL": ["1.1", "1.2", "1.3"],
  ]

  /// `gpl-2`, `gpl-2+`, `lgpl-2.1+`, `gpl-2.0-only`, `gpl-2.0-or-later`.
  private static func gnu(_ lower: String) -> String? {
    guard let dash = lower.firstIndex(of: "-") else { return nil }
    let family = lower[..<dash].uppercased()
    var version = lower[lower.index(after: dash)...]
    var isOpen = false
    for (ending, open) in [("-or-later", true), ("-only", false), ("+", true)] where version.hasSuffix(ending)
    {
      version = version.dropLast(ending.count)
      isOpen = open
      break
    }
    let full = version.contains(".") ? String(version) : "\(version).0"
    guard gnuVersions[family]?.contains(full) == true else { return nil }
    return "\(family)-\(full)-\(isOpen ? "or-later" : "only")"
  }
}
