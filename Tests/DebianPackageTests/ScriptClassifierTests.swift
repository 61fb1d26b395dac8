import Testing

@testable import DebianPackage

/// What is recognised, and what it amounts to.
@Suite struct ScriptClassifierTests {
  static func classify(_ body: String, _ name: ScriptName = .postinst) -> ScriptClassification {
    ScriptClassifier.classify(Array("#!/bin/sh\n\(body)\n".utf8), name: name)
  }

  /// The descriptions of the actions, or `nil` if the script is unknown.
  private func actions(_ body: String, _ name: ScriptName = .postinst) -> [String]? {
    let result = Self.classify(body, name)
    return result.class == .unknown ? nil : result.actions.map(\.description)
  }

  @Test(arguments: [ScriptName.prerm, .postrm, .config])
  func scriptsOfRemovalNeverRun(_ name: ScriptName) {
    let result = Self.classify("rm -rf /", name)
    #expect(result.class == .notRun)
    #expect(result.actions.isEmpty)
    #expect(result.firstUnknown == nil)
  }

  @Test(arguments: [
    "", "set -e", "exit 0", ":", "true; :", "# only words\n\n", "set -eu\nif true; then :; fi\nexit 0",
    "action=\"$1\"\ncase \"$action\" in\n  configure|triggered) ;;\n  *) rm -rf /; exit 1;;\nesac",
    "if [ -n \"$2\" ]; then rm -rf /etc; fi", "if [ \"$1\" = triggered ]; then foreign; fi",
    "[ -z \"$2\" ] || foreign", "if false; then foreign; fi", "exit 0\nforeign",
    "if [ \"x$2\" != \"x\" ] ; then cp a b; fi", "test \"$1\" = configure || foreign",
    "if ! [ \"$1\" = configure ]; then foreign; elif [ -n \"$2\" ]; then foreign; else :; fi",
    "echo \"configured \\`$1'\" >&2", "{ true; }",
  ])
  func structureAloneIsInert(_ body: String) {
    let result = Self.classify(body)
    #expect(result.class == .inert, "\(String(describing: result.firstUnknown))")
    #expect(result.actions.isEmpty)
  }

  @Test(
    arguments: [
      ("ldconfig", ["ldconfig"]), ("/sbin/ldconfig", ["ldconfig"]), ("ldconfig || true", ["ldconfig"]),
      ("ldconfig >/dev/null 2>&1 || exit 1", ["ldconfig"]), ("ldconfig\nldconfig", ["ldconfig"]),
      ("depmod 6.12.1-amd64", ["depmod"]), ("version=6.12.1\ndepmod $version", ["depmod"]),
      (
        "systemd-sysusers ${DPKG_ROOT:+--root=\"$DPKG_ROOT\"} a.conf b.conf",
        ["sysusers:a.conf", "sysusers:b.conf"]
      ),
      (
        "if [ -x \"$(command -v systemd-tmpfiles)\" ]; then\n"
          + "\tsystemd-tmpfiles ${DPKG_ROOT:+--root=\"$DPKG_ROOT\"} --create frr.conf || true\nfi",
        ["tmpfiles:frr.conf"]
      ),
      ("deb-systemd-helper unmask 'a@.service' >/dev/null || true", ["units:a@.service"]),
      (
        "if deb-systemd-helper --quiet was-enabled 'a.timer'; then deb-systemd-helper enable a.timer\n"
          + "else deb-systemd-helper update-state 'a.timer' >/dev/null || true\nfi", ["units:a.timer"]
      ),
      ("update-ca-certificates --fresh", ["ca-certificates"]),
      ("update-ca-certificates --hooksdir \"\"", ["ca-certificates"]),
      ("dpkg-trigger --no-await ldconfig", ["ldconfig"]), ("dpkg-trigger libc-upgrade", []),
      (
        "update-alternatives --install /usr/bin/mt mt /usr/bin/mt-gnu 10 \\\n"
          + "  --slave /usr/share/man/man1/mt.1.gz mt.1.gz /usr/share/man/man1/mt-gnu.1.gz",
        [
          "alternative:/usr/bin/mt:mt:/usr/bin/mt-gnu:10:"
            + "/usr/share/man/man1/mt.1.gz:mt.1.gz:/usr/share/man/man1/mt-gnu.1.gz"
        ]
      ),
      ("if [ -d /run/systemd/system ]; then systemctl --system daemon-reload >/dev/null || true; fi", []),
      ("invoke-rc.d cron start || exit 1\nupdate-rc.d cron defaults >/dev/null", []),
      ("dpkg-maintscript-helper rm_conffile /etc/a 1.0\\~ -- \"$@\"", []),
      (
        "if [ \"$2\" ]; then x=restart; else x=start; fi\ndeb-systemd-invoke $x 'a.service' >/dev/null || true",
        []
      ),
      (
        "mkdir -p /lib/modules/6.1\ntouch /lib/modules/6.1/.fresh-install\nrm -f /lib/modules/6.1/.fresh-install",
        []
      ),
      ("if dpkg --compare-versions \"$2\" lt 1.0; then rm -f /etc/old/*.bin; fi\nldconfig", ["ldconfig"]),
      ("if [ -n \"$DPKG_ROOT\" ]; then exit 0; fi\nldconfig", ["ldconfig"]),
      ("if [ -f /etc/x ]; then change=a; else change=b; fi\nlinux-update-symlinks $change", []),
    ] as [(String, [String])])
  func knownCommands(_ body: String, _ expected: [String]) {
    let result = Self.classify(body)
    #expect(result.class == .known, "\(String(describing: result.firstUnknown))")
    #expect(result.actions.map(\.description) == expected)
  }

  @Test func preinstIsCalledWithInstall() {
    #expect(actions("if [ \"$1\" = install ]; then ldconfig; fi", .preinst) == ["ldconfig"])
    #expect(actions("if [ \"$1\" = install ]; then ldconfig; fi", .postinst) == [])
    #expect(actions("case $1 in upgrade) foreign;; esac", .preinst) == [])
  }

  /// Each is refused at the line given, counted from the shebang.
  @Test(arguments: [
    ("foreign", 2), ("true\n\n  foreign --now  ", 4), ("ldconfig; foreign", 2), ("ldconfig && foreign", 2),
    ("ldconfig || foreign", 2), ("ldconfig | true", 2), ("ldconfig &", 2), ("(ldconfig)", 2),
    ("eval ldconfig", 2),
    ("exec ldconfig", 2), (". /usr/share/debconf/confmodule", 2), ("x=$(id)", 2), ("x=`id`", 2),
    ("echo \"$(id)\"", 2), ("true $((1+1))", 2), ("ldconfig > /etc/x", 2), ("ldconfig < /etc/x", 2),
    ("> /etc/x", 2), ("PATH=/x ldconfig", 2), ("PATH=/x", 2), ("IFS=:", 2), ("export x", 2), ("set -x", 2),
    ("set -- configure 1.0", 2), ("shift", 2), ("cat <<EOF\nEOF", 2),
    ("if false; then cat <<EOF\nEOF\nfi", 2),
    ("f() { true; }", 2), ("while true; do true; done", 2), ("for x in a; do true; done", 2),
    ("alias true=rm", 2),
    ("exit 1", 2), ("exit", 2), ("[ -f /etc/x ]", 2), ("[ \"$1\" = other ]", 2), ("false", 2),
    ("if [ \"$FOO\" = x ]; then true; fi", 2), ("case $FOO in x) ;; esac", 2),
    ("if [ -f /etc/x ]; then ldconfig; fi", 2), ("[ -e /etc/x ] && exit 0\nldconfig", 3),
    ("if [ -e /etc/x ]; then exit 0; fi\nupdate-alternatives --install /a b /c 1", 3),
    ("rm -f /etc/x", 2), ("rm -rf /lib/modules/6.1/.fresh-install", 2), ("touch /etc/x", 2),
    ("mkdir -p /etc/x", 2),
    ("if dpkg --compare-versions \"$2\" lt 1; then rm -rf /etc/old; fi", 2),
    ("if dpkg --compare-versions \"$2\" lt 1; then rm -f /etc/../x; fi", 2),
    ("if dpkg --compare-versions \"$2\" gt-nl 1; then rm -f /etc/x; fi", 2),
    ("if dpkg --compare-versions $2 lt 1; then true; fi", 2),
    ("dpkg --compare-versions \"$2\" lt x_y || true", 2),
    ("dpkg -i x.deb", 2), ("systemctl enable x", 2), ("systemd-tmpfiles --remove x.conf", 2),
    ("systemd-tmpfiles --create ../x.conf", 2), ("systemd-sysusers /etc/x.conf", 2),
    ("systemd-sysusers *.conf", 2),
    ("ldconfig -r /x", 2), ("depmod $unset", 2), ("deb-systemd-helper disable a.service", 2),
    ("deb-systemd-helper enable --user a.service", 2), ("update-alternatives --remove mt /x", 2),
    ("update-alternatives --install /a:b c /d 1", 2), ("update-alternatives --install /a b /c x", 2),
    ("update-alternatives --install /a b /c 1 --slave /d e", 2), ("/opt/ldconfig", 2), ("./ldconfig", 2),
    ("$1", 2), ("\"ldconfig\"$x", 2), ("true <(id)", 2), ("true $'a'", 2), ("[[ -n x ]]", 2), ("a=(1 2)", 2),
    ("! foreign", 2), ("if foreign; then true; fi", 2), ("if true; foreign; then true; fi", 2),
    ("{ foreign; }", 2), ("if true; then true; fi > /etc/x", 2), ("case x in x) foreign;; esac", 2),
    ("case configure in c*) true;; esac", 2), ("true ${x:=y}", 2), ("true ${x:?no}", 2), ("if true; then", 3),
    ("case x in", 3), ("fi", 2), ("true)", 2), ("echo 'open", 3), ("true &> /dev/null", 2),
    ("true \\\n \"open", 4),
    ("printf -v PATH x", 2), ("command ldconfig", 2), ("unset x", 2), ("true ~/x", 2), ("true {a,b}", 2),
  ])
  func anythingElseIsUnknown(_ body: String, _ line: Int) throws {
    let result = Self.classify(body)
    #expect(result.class == .unknown)
    #expect(result.actions.isEmpty)
    let first = try #require(result.firstUnknown)
    #expect(first.line == line)
  }

  @Test func theFirstUnknownStatementIsShownAsItStands() throws {
    let first = try #require(Self.classify("set -e\n\tforeign \"$1\" --now  # why\nother").firstUnknown)
    #expect(first.line == 3)
    #expect(first.text == "foreign \"$1\" --now  # why")
    let long = try #require(Self.classify("foreign " + String(repeating: "x", count: 500)).firstUnknown)
    #expect(long.text.count == 200)
  }

  @Test(arguments: [
    "", "ldconfig\n", "#!/usr/bin/perl\nldconfig\n", "#!/usr/bin/env sh\nldconfig\n",
    "#!/bin/sh -x\nldconfig\n",
    "#!/bin/sh -c ldconfig\n", "#!/bin/sh\r\nldconfig\r\n", "\u{7F}ELF", "#!/bin/sh\nldconfig \u{0}\n",
    "#!/bin/sh\nldconfig\u{B}\n",
  ])
  func otherInterpretersAndBytesAreUnknown(_ script: String) {
    #expect(ScriptClassifier.classify(Array(script.utf8), name: .postinst).class == .unknown)
  }

  @Test func shellsWithUsualOptions() {
    for first in ["#!/bin/sh -e", "#! /bin/sh", "#!/bin/bash", "#!/usr/bin/dash -eu"] {
      #expect(ScriptClassifier.classify(Array("\(first)\nldconfig".utf8), name: .postinst).class == .known)
    }
    #expect(
      ScriptClassifier.classify(Array("#!/bin/sh\n\u{FF}".utf8) + [0xFF], name: .postinst).class == .unknown)
  }

  /// Depth and length cost neither the stack nor the builder's patience.
  @Test func hostileNestingIsUnknown() {
    let count = 100_000
    for body in [
      String(repeating: "if true; then ", count: count), String(repeating: "$(", count: count),
      "true " + String(repeating: "${a:-", count: count), String(repeating: "{ ", count: count),
      "true " + String(repeating: "&& true ", count: count), String(repeating: "! ", count: count),
      String(repeating: "f() ", count: count), String(repeating: "case x in x) ", count: count),
      String(repeating: "\"$(", count: count), String(repeating: "(", count: count),
      String(repeating: "# long\n", count: 2 * count),
    ] {
      #expect(Self.classify(body).class == .unknown)
    }
  }

  @Test func fileCapabilitiesNeedAReview() {
    let script = Array("#!/bin/sh\nset -e\nsetcap cap_net_raw+ep /usr/bin/ping\n".utf8)
    #expect(ScriptClassifier.classify(script, name: .postinst).class == .unknown)
  }
}
