/// What the builder has to do for each tool; arguments that are not known are `nil`.
extension ShellEvaluator {
  /// The actions of one call; none if there is nothing to do at build time, `nil` if the call is not understood.
  static func actions(of tool: String, _ arguments: [String?]) -> [ScriptAction]? {
    let known = arguments.compactMap(\.self)
    let isKnown = known.count == arguments.count
    switch tool {
    // Services run on the device; an image has no runlevels; kernel and initrd are the builder's own.
    case "deb-systemd-invoke", "invoke-rc.d", "linux-run-hooks", "linux-update-symlinks", "update-rc.d":
      return []
    case "systemctl":
      return isKnown && known.filter({ $0 != "--system" && $0 != "--quiet" }) == ["daemon-reload"] ? [] : nil
    case "update-initramfs":
      return isKnown && known.first == "-u" ? [] : nil
    case "ldconfig":
      return arguments.isEmpty ? [.ldconfig] : nil
    case "depmod":
      let versions = known.filter { $0 != "-a" }
      guard isKnown, versions.count == 1, versions[0].utf8.first.map(ASCII.isDigit) ?? false else {
        return nil
      }
      return [.depmod]
    case "systemd-sysusers":
      guard isKnown, !known.isEmpty, known.allSatisfy(ScriptAction.isConfigurationName) else { return nil }
      return known.map { .sysusers($0) }
    case "systemd-tmpfiles":
      let names = known.dropFirst()
      guard isKnown, known.first == "--create", !names.isEmpty,
        names.allSatisfy(ScriptAction.isConfigurationName)
      else { return nil }
      return names.map { .tmpfiles($0) }
    case "update-ca-certificates":
      let isUsual =
        isKnown && [[], ["--fresh"], ["--hooksdir", ""], ["--hooksdir", "", "--fresh"]].contains(known)
      return isUsual ? [.caCertificates] : nil
    case "dpkg-trigger":
      return isKnown ? trigger(known) : nil
    case "deb-systemd-helper":
      return isKnown ? units(known) : nil
    case "update-alternatives":
      return isKnown ? alternative(known) : nil
    default:
      return nil
    }
  }

  private static func trigger(_ arguments: [String]) -> [ScriptAction]? {
    let names = arguments.filter { $0 != "--no-await" && $0 != "--await" }
    guard names.count == 1, !names[0].hasPrefix("-") else { return nil }
    return TriggerClassifier.action(forActivating: names[0]).map { [$0] } ?? []
  }

  private static func units(_ arguments: [String]) -> [ScriptAction]? {
    let arguments = arguments.filter { $0 != "--quiet" }
    let units = arguments.dropFirst()
    guard !units.isEmpty, units.allSatisfy(ScriptAction.isUnitName) else { return nil }
    switch arguments.first {
    case "enable", "reenable", "unmask", "update-state": return units.map { .units($0) }
    case "was-enabled", "debian-installed": return []
    default: return nil
    }
  }

  private static func alternative(_ arguments: [String]) -> [ScriptAction]? {
    let arguments = arguments.filter { $0 != "--quiet" }
    guard arguments.count >= 5, arguments[0] == "--install", (arguments.count - 5) % 4 == 0,
      let master = ScriptAction.link(arguments[1...3]), let priority = ScriptAction.priority(arguments[4])
    else { return nil }
    var slaves: [ScriptAction.Link] = []
    for start in stride(from: 5, to: arguments.count, by: 4) {
      guard arguments[start] == "--slave", let slave = ScriptAction.link(arguments[(start + 1)...(start + 3)])
      else { return nil }
      slaves.append(slave)
    }
    return [.alternative(master, priority: priority, slaves: slaves)]
  }
}
