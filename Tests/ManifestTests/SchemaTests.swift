import Foundation
import Testing

@testable import Manifest

@Suite struct SchemaTests {
  @Test func everyExampleAndDefaultDecodes() throws {
    let kinds: [any SchemaKey] = allKeys
    #expect(kinds.count > 60)
    for key in kinds {
      var context = DecodingContext(
        file: "f", origin: Origin(kind: .image, name: "a"), tree: ExampleTree())
      context.key = key.shape.name
      let node = try #require(key.shape.parsedExample, "\(key.shape.name): \(key.shape.example)")
      #expect(key.decodeValue(node, &context) != nil, "\(key.shape.name): \(key.shape.example)")
      #expect(context.problems.isEmpty, "\(key.shape.name): \(context.problems)")
      if let fallback = key.shape.fallback {
        let scalar = YAMLNode(
          .scalar(YAMLScalar(text: fallback, kind: .string)), at: SourceLocation(file: "f"))
        #expect(key.decodeValue(scalar, &context) != nil, "\(key.shape.name) = \(fallback)")
      }
    }
  }

  @Test func theListOfKeysHereIsComplete() {
    let listed = Set(allKeys.map { "\($0.shape.name) \($0.shape.summary)" })
    for object in Schema.definitions() {
      for key in object.keys {
        #expect(listed.contains("\(key.name) \(key.summary)"), "\(object.name).\(key.name)")
      }
    }
  }

  @Test func everySentenceIsOne() {
    for object in Schema.definitions() {
      #expect(object.summary.hasSuffix("."))
      #expect(Set(object.keys.map(\.name)).count == object.keys.count)
      for key in object.keys { #expect(key.summary.hasSuffix("."), "\(object.name).\(key.name)") }
      for name in object.exactlyOne + object.atLeastOne { #expect(object.keys.map(\.name).contains(name)) }
    }
  }

  @Test func theSchemaIsJSONAndAlwaysTheSame() throws {
    let text = ManifestSchema.json()
    #expect(text == ManifestSchema.json())
    let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let definitions = try #require(object["$defs"] as? [String: Any])
    #expect(definitions.count == Schema.definitions().count)
    #expect(definitions["Image"] != nil && definitions["Component"] != nil && definitions["File"] != nil)
  }

  // Needs python3 with jsonschema and yaml.
  @Test(.enabled(if: pythonHas("jsonschema, yaml"), "python3 with jsonschema and yaml is missing"))
  func aForeignValidatorAgreesWithTheDecoder() throws {
    let good = [
      ManifestReference.imageSample, ManifestReference.componentSample, image(), component("x"),
      image("sysctls: {a.b: 1, c.d: x, e.f: true}"), image("limits: {image: 5, uki: 5GiB}"),
      component("x", "permissions: [{path: /a, capabilities: [], reason: r}]"),
    ]
    let bad = [
      image("bogus: 1"), image("requires: [b]"), image("files: [{path: /a}]"),
      image("files: [{path: /a, content: x, source: y}]"), image("permissions: [{path: /a, reason: r}]"),
      image("directories: [{path: /a, mode: 644}]"), image("limits: {image: 5MB}"),
      image("users: [{name: a, uid: -1}]"), image("drop: [{paths: [], reason: r}]"),
      image("units: {enable: [frr]}"), image("sysctls: {a b: 1}"), image("sysctls: {a: [1]}"),
      image("description: [x]"), component("X"), "kind: Image\n",
    ]
    let expected = good.map { _ in "ok" } + bad.map { _ in "refused" }
    #expect(try schemaVerdicts(of: good + bad) == expected)
    for text in bad {
      let session = decodingProblems(text)
      #expect(!session.isEmpty, "\(text)")
    }
    for text in good { #expect(decodingProblems(text).isEmpty, "\(text)") }
  }
}

private let allKeys: [any SchemaKey] =
  [
    ImageKeys.kind, ImageKeys.name, ImageKeys.version, ImageKeys.architecture, ImageKeys.suite,
    ImageKeys.components, ImageKeys.kernel, ImageKeys.limits, ComponentKeys.kind, ComponentKeys.name,
    ComponentKeys.requires, ComponentKeys.kernel, ManifestKeys.apiVersion, ManifestKeys.description,
    ManifestKeys.packages, SuiteKeys.name, SuiteKeys.keyring, SuiteKeys.sources, SuiteKeys.archive,
    SuiteKeys.sourceSuite, SuiteKeys.sections, PackageKeys.include, PackageKeys.exclude, PackageKeys.package,
    PackageKeys.exclusionReason, PackageKeys.paths, PackageKeys.keep, PackageKeys.dropReason,
    KernelKeys.package, KernelKeys.stub, KernelKeys.modules, KernelKeys.commandLine, KernelKeys.imageLimit,
    KernelKeys.ukiLimit, KernelKeys.fileLimit, FileKeys.path, FileKeys.content, FileKeys.source,
    FileKeys.mode,
    FileKeys.directoryMode, FileKeys.owner, FileKeys.group, FileKeys.target, FileKeys.newMode,
    FileKeys.newOwner, FileKeys.newGroup, FileKeys.capabilities, FileKeys.permissionReason,
    SystemKeys.userName, SystemKeys.uid, SystemKeys.primaryGroup, SystemKeys.supplementaryGroups,
    SystemKeys.home, SystemKeys.shell, SystemKeys.userDescription, SystemKeys.groupName, SystemKeys.gid,
    SystemKeys.enable, SystemKeys.mask, SystemKeys.alternativeName, SystemKeys.alternativePath,
    SystemKeys.rule, SystemKeys.exceptionPath, SystemKeys.exceptionReason, ScriptKeys.package,
    ScriptKeys.script, ScriptKeys.digests, ScriptKeys.reason, ScriptKeys.replacement, ScriptKeys.users,
    ScriptKeys.groups, ScriptKeys.directories, ScriptKeys.links, ScriptKeys.files, ScriptKeys.permissions,
    FleetKeys.kind, FleetKeys.name, FleetKeys.unknownDevices, FleetKeys.sites, FleetKeys.groups,
    FleetKeys.devices,
    FleetKeys.action, FleetKeys.unknownGroup, FleetKeys.siteName, FleetKeys.networks, FleetKeys.groupName,
    FleetKeys.channel, FleetKeys.release, FleetKeys.localDisk, FleetKeys.match, FleetKeys.retry,
    FleetKeys.failures,
    FleetKeys.backOff, FleetKeys.maximumBackOff, FleetKeys.settle, FleetKeys.afterwards, FleetKeys.deviceName,
    FleetKeys.macs, FleetKeys.uuid, FleetKeys.serial, FleetKeys.deviceSite, FleetKeys.deviceGroup,
    FleetKeys.deviceRelease, FleetKeys.labels, ServerKeys.kind, ServerKeys.roles, ServerKeys.state,
    ServerKeys.library, ServerKeys.fleet, ServerKeys.log, ServerKeys.http, ServerKeys.tftp, ServerKeys.dhcp,
    ServerKeys.ipxe, ServerKeys.format, ServerKeys.level, ServerKeys.firmware, ServerKeys.templates,
    ServerKeys.chainloadsUEFI, ServerKeys.listen, ServerKeys.listenSecure, ServerKeys.certificate,
    ServerKeys.certificateKey, ServerKeys.operators, ServerKeys.connections, ServerKeys.connectionsPerClient,
    ServerKeys.tftpEnabled, ServerKeys.tftpPort, ServerKeys.singlePort, ServerKeys.sessions,
    ServerKeys.sessionsPerClient, ServerKeys.mode, ServerKeys.interfaces, ServerKeys.subnets, ServerKeys.ipv6,
    ServerKeys.ipv6Subnets, ServerKeys.ipv6Network, ServerKeys.ipv6Pool, ServerKeys.ipv6NameServers,
    ServerKeys.subnetNetwork, ServerKeys.pools, ServerKeys.router, ServerKeys.nameServers, ServerKeys.domain,
    ServerKeys.leaseTime, ServerKeys.reservations, ServerKeys.reservedMAC, ServerKeys.reservedAddress,
    FleetKeys.image, ServerKeys.repository, ServerKeys.repositoryFrom, ServerKeys.repositoryRoot,
    ServerKeys.interval, ServerKeys.onlineKey, ServerKeys.keys, ServerKeys.passphraseFile,
    ServerKeys.proposals, ServerKeys.warnDays, ServerKeys.git, ServerKeys.gitFrom, ServerKeys.branch,
    ServerKeys.gitFile, ServerKeys.gitProposals, ServerKeys.allowedSigners, ServerKeys.gitKey,
    ServerKeys.gitKnownHosts, ServerKeys.gitTokenFile, ServerKeys.gitAuthority, ServerKeys.gitInterval,
    ServerKeys.control, ServerKeys.controlListen, ServerKeys.uploads, ServerKeys.uploadKeys,
    ServerKeys.uploadThreshold, ServerKeys.uploadOpen, ServerKeys.uploadExpire, ServerKeys.uploadReserve,
    ServerKeys.drain, ServerKeys.relays, ServerKeys.authoritative, ServerKeys.timeServers,
    ServerKeys.maximumLeaseTime,
  ] + ManifestKeys.declarations
