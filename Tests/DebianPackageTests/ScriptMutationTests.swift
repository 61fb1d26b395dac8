import Testing

@testable import DebianPackage

/// A known script with something foreign put into it is known no longer.
@Suite struct ScriptMutationTests {
  /// In the manner of debhelper's snippets; every line is reached, and a statement may stand before each.
  private static let script = """
    #!/bin/sh
    set -e
    if [ "$1" = "configure" ] || [ "$1" = "abort-upgrade" ] || [ "$1" = "abort-remove" ] ; then
    \tdeb-systemd-helper unmask 'demo.service' >/dev/null || true
    \tif deb-systemd-helper --quiet was-enabled 'demo.service'; then
    \t\tdeb-systemd-helper enable 'demo.service' >/dev/null || true
    \telse
    \t\tdeb-systemd-helper update-state 'demo.service' >/dev/null || true
    \tfi
    fi
    case "$1" in
    configure)
    \tsystemd-sysusers ${DPKG_ROOT:+--root="$DPKG_ROOT"} demo.conf
    \tif [ -x "$(command -v systemd-tmpfiles)" ]; then
    \t\tsystemd-tmpfiles ${DPKG_ROOT:+--root="$DPKG_ROOT"} --create demo.conf || true
    \tfi
    \tupdate-alternatives --install /usr/bin/demo demo /usr/bin/demo.real 10
    \tldconfig
    esac
    dpkg-maintscript-helper rm_conffile /etc/demo 1.0~ -- "$@"
    """

  private func classify(_ lines: [String]) -> ScriptClassification {
    ScriptClassifier.classify(Array(lines.joined(separator: "\n").utf8), name: .postinst)
  }

  private var lines: [String] { Self.script.split(separator: "\n").map(String.init) }

  @Test func theScriptItselfIsKnown() {
    #expect(classify(lines).class == .known)
    let expected = [
      "units:demo.service", "sysusers:demo.conf", "tmpfiles:demo.conf",
      "alternative:/usr/bin/demo:demo:/usr/bin/demo.real:10", "ldconfig",
    ]
    #expect(classify(lines).actions.map(\.description) == expected)
  }

  @Test(arguments: [
    "foreign", "rm -rf /etc/demo", "foreign || true", "if foreign; then :; fi", ": \"$(foreign)\"",
    "true | foreign",
    "foreign &", "eval true", "x=$(foreign)", "f() { foreign; }", "for i in a; do foreign; done",
    "cat <<X\nX",
    "chmod 4755 /bin/sh", "trap foreign EXIT", "[ -z \"$(foreign)\" ]", "PATH=/tmp:$PATH",
    "sleep 1 # ldconfig",
  ])
  func aForeignCommandBeforeAnyLine(_ foreign: String) throws {
    for index in 1...lines.count where index >= lines.count || !lines[index].hasPrefix("configure)") {
      var mutated = lines
      mutated.insert(foreign, at: index)
      let result = classify(mutated)
      #expect(result.class == .unknown, "before line \(index + 1)")
      #expect(result.actions.isEmpty)
      #expect(result.firstUnknown != nil)
    }
  }

  @Test(arguments: [
    "; foreign", " && foreign", " | foreign", " & foreign", " > /etc/passwd", " >> /etc/passwd", " `foreign`",
    " \"$(foreign)\"", " $(foreign)", " <<X", " 3>&1", " < /etc/shadow",
  ])
  func somethingForeignBehindEachCommand(_ tail: String) {
    for index in lines.indices {
      let line = lines[index].trimmingPrefix(while: { $0 == "\t" })
      let isCommand = ["deb-systemd-helper", "systemd-", "update-alt", "ldconfig", "dpkg-maint"].contains {
        line.hasPrefix($0)
      }
      guard isCommand else { continue }
      var mutated = lines
      mutated[index] += tail
      #expect(classify(mutated).class == .unknown, "\(mutated[index])")
    }
  }

  /// A script that is cut off loses actions or is unknown; it never gains any.
  @Test func everyPrefix() {
    let whole = Set(classify(lines).actions)
    let bytes = Array(Self.script.utf8)
    for length in 0..<bytes.count {
      let result = ScriptClassifier.classify(Array(bytes[..<length]), name: .postinst)
      // The last word may be cut into another; then it is another name of the same sort.
      guard result.class != .unknown, bytes[length] == 0x0A else { continue }
      #expect(whole.isSuperset(of: result.actions), "\(length)")
    }
  }
}
