// swift-tools-version: 6.2
import PackageDescription

// Targets from smallest to largest: a target imports only those above it (docs/architecture.md).

/// A Debian library, seen through a module map and nothing else.
func library(_ name: String, apt: String, pkgConfig: String? = nil) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let package = Package(
  name: "netimg",
  products: [
    .executable(name: "netimg", targets: ["netimg"]),
    .executable(name: "netimg-init", targets: ["netimg-init"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // The server alone: sockets, TLS, the store, life cycle, logs.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    library("CLibarchive", apt: "libarchive-dev"),
    library("CLibcrypto", apt: "libssl-dev"),
    library("CLibgit2", apt: "libgit2-dev"),
    library("CLibsodium", apt: "libsodium-dev"),
    library("CLibsolv", apt: "libsolvext-dev"),
    library("CLibyaml", apt: "libyaml-dev"),
    // pkg-config finds the pinned one where tools/pinned is in front.
    library("CZstd", apt: "libzstd-dev", pkgConfig: "libzstd"),
    // What Swift cannot import: variadic functions and system call wrappers.
    .target(name: "CCurlShim", linkerSettings: [.linkedLibrary("curl")]),
    .target(name: "CGitShim", linkerSettings: [.linkedLibrary("git2")]),
    .target(name: "CPosixShim"),

    // These two are also built as Embedded Swift for stage 0, which ignores the module maps' link lines.
    .target(name: "Bytes", dependencies: ["CLibcrypto"], linkerSettings: [.linkedLibrary("crypto")]),
    .target(
      name: "FrameFormat", dependencies: ["Bytes", "CZstd"],
      linkerSettings: [.linkedLibrary("zstd"), .linkedLibrary("m")]),
    .target(name: "Stage0", dependencies: ["Bytes", "FrameFormat", "CPosixShim"]),
    .target(name: "NetworkTypes"),
    .target(name: "Manifest", dependencies: ["Bytes", "NetworkTypes", "CLibyaml"]),
    .target(name: "BlobStore", dependencies: ["Bytes", "CPosixShim"]),
    .target(name: "Signing", dependencies: ["Bytes", "CLibsodium", "CPosixShim"]),
    .target(name: "Transfers", dependencies: ["CCurlShim", "CPosixShim"]),
    .target(
      name: "UpdateFramework",
      dependencies: ["Bytes", "Signing", "Transfers", "CLibcrypto", "CPosixShim"]),
    .target(name: "DebianPackage", dependencies: ["Bytes", "CLibarchive"]),
    .target(
      name: "DebianArchive",
      dependencies: [
        "Bytes", "BlobStore", "DebianPackage", "Manifest", "Transfers", "CLibsolv", "CPosixShim",
      ]),
    .target(name: "ImageFormat", dependencies: ["Bytes", "FrameFormat"]),
    .target(
      name: "SecureBoot", dependencies: ["Bytes", "Signing", "ImageFormat", "CLibcrypto", "CPosixShim"]),
    .target(name: "NativeActions", dependencies: ["Bytes", "CLibcrypto"]),
    .target(
      name: "Provenance",
      dependencies: ["Bytes", "Manifest", "Signing", "DebianPackage", "CGitShim", "CLibgit2"]),
    .target(
      name: "ImageBuilder",
      dependencies: [
        "Bytes", "FrameFormat", "Manifest", "BlobStore", "Signing", "DebianPackage", "DebianArchive",
        "ImageFormat", "SecureBoot", "NativeActions", "Provenance", "CLibarchive", "CPosixShim",
      ]),
    .target(
      name: "Inspection",
      dependencies: [
        "Bytes", "FrameFormat", "DebianArchive", "ImageFormat", "NativeActions", "ImageBuilder", "CPosixShim",
      ]),
    .target(
      name: "Channels",
      dependencies: [
        "Bytes", "FrameFormat", "Manifest", "Signing", "Transfers", "UpdateFramework", "DebianPackage",
        "Provenance", "ImageFormat", "ImageBuilder", "CPosixShim",
      ]),
    .target(
      name: "GitSync", dependencies: ["Signing", "CGitShim", "CLibgit2", "CLibcrypto", "CPosixShim"]),
    .target(name: "CPacketShim"),
    .target(name: "PacketIO", dependencies: ["NetworkTypes", "CPacketShim"]),
    .target(name: "DHCP", dependencies: ["Bytes", "NetworkTypes", "PacketIO"]),
    .target(name: "TFTP", dependencies: ["NetworkTypes", "PacketIO", "CPacketShim"]),
    .target(name: "BootTypes", dependencies: ["Bytes", "NetworkTypes"]),
    .target(
      name: "Fleet",
      dependencies: [
        "Bytes", "BootTypes", "NetworkTypes", "Manifest", "DHCP", "CPosixShim",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .target(
      name: "ServerCore",
      dependencies: [
        "NetworkTypes", "BootTypes", .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "BootServer",
      dependencies: [
        "Bytes", "NetworkTypes", "BootTypes", "Manifest", "Signing", "FrameFormat", "ImageBuilder",
        "Transfers", "UpdateFramework", "Channels", "GitSync", "PacketIO", "DHCP", "TFTP",
        "Fleet", "ServerCore", "CPosixShim",
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    // Its files are in the program, so that nothing else has to be installed: images/base is linked from Base.
    .target(
      name: "Scaffold", dependencies: ["Manifest", "CPosixShim"],
      resources: [.embedInCode("Base"), .embedInCode("Templates")]),
    .executableTarget(
      name: "netimg",
      dependencies: [
        "Bytes", "CPosixShim", "FrameFormat", "Manifest", "BlobStore", "Signing", "DebianPackage",
        "DebianArchive", "ImageFormat", "SecureBoot", "NativeActions", "Provenance", "ImageBuilder",
        "Inspection", "Transfers", "UpdateFramework", "Channels", "Scaffold", "NetworkTypes", "BootTypes",
        "Fleet",
        "ServerCore", "BootServer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(name: "netimg-init", dependencies: ["Stage0"]),
    // Measures, and is not shipped: make bench.
    .executableTarget(
      name: "netimg-bench",
      dependencies: ["Bytes", "FrameFormat", "ImageFormat", "Signing", "UpdateFramework"],
      path: "bench/netimg-bench"),
    .executableTarget(
      name: "netimg-netbench", dependencies: ["CPacketShim", "NetworkTypes", "PacketIO", "DHCP", "TFTP"],
      path: "bench/netimg-netbench"),

    .target(name: "TestSupport", dependencies: ["Bytes"], path: "Tests/TestSupport"),
    .testTarget(name: "BytesTests", dependencies: ["Bytes", "TestSupport"]),
    .testTarget(name: "FrameFormatTests", dependencies: ["Bytes", "FrameFormat", "TestSupport"]),
    .testTarget(
      name: "Stage0Tests", dependencies: ["Bytes", "CPosixShim", "FrameFormat", "Stage0", "TestSupport"]),
    .testTarget(name: "ManifestTests", dependencies: ["NetworkTypes", "Manifest", "TestSupport"]),
    .testTarget(name: "BlobStoreTests", dependencies: ["BlobStore", "TestSupport"]),
    .testTarget(name: "SigningTests", dependencies: ["Signing", "TestSupport"]),
    .testTarget(
      name: "UpdateFrameworkTests",
      dependencies: ["Bytes", "CPosixShim", "Signing", "Transfers", "UpdateFramework", "TestSupport"]),
    .testTarget(name: "GitSyncTests", dependencies: ["GitSync", "TestSupport"]),
    .testTarget(name: "DebianPackageTests", dependencies: ["DebianPackage", "TestSupport"]),
    .testTarget(name: "DebianArchiveTests", dependencies: ["DebianArchive", "TestSupport"]),
    .testTarget(name: "ImageFormatTests", dependencies: ["ImageFormat", "TestSupport"]),
    .testTarget(
      name: "SecureBootTests", dependencies: ["Bytes", "Signing", "ImageFormat", "SecureBoot", "TestSupport"]),
    .testTarget(name: "NativeActionsTests", dependencies: ["NativeActions", "TestSupport"]),
    .testTarget(name: "ProvenanceTests", dependencies: ["Bytes", "Manifest", "Provenance", "TestSupport"]),
    .testTarget(
      name: "InspectionTests",
      dependencies: [
        "Bytes", "FrameFormat", "NativeActions", "Signing", "ImageBuilder", "Inspection", "TestSupport",
      ]),
    .testTarget(name: "NetworkTypesTests", dependencies: ["NetworkTypes"]),
    .testTarget(
      name: "PacketIOTests", dependencies: ["NetworkTypes", "PacketIO", "TestSupport"]),
    .testTarget(
      name: "DHCPTests", dependencies: ["NetworkTypes", "PacketIO", "DHCP", "TestSupport"]),
    .testTarget(
      name: "TFTPTests", dependencies: ["NetworkTypes", "PacketIO", "TFTP", "TestSupport"]),
    .testTarget(
      name: "ImageBuilderTests",
      dependencies: [
        "Bytes", "FrameFormat", "Manifest", "BlobStore", "Signing", "DebianPackage", "DebianArchive",
        "ImageFormat", "SecureBoot", "NativeActions", "Provenance", "ImageBuilder", "TestSupport",
      ]),
    .testTarget(
      name: "ChannelsTests",
      dependencies: [
        "Bytes", "Channels", "FrameFormat", "Manifest", "Signing", "Transfers", "UpdateFramework",
        "TestSupport",
      ]),
    .testTarget(
      name: "ScaffoldTests", dependencies: ["Manifest", "Scaffold", "TestSupport"]),
    .testTarget(
      name: "FleetTests",
      dependencies: [
        "NetworkTypes", "BootTypes", "Manifest", "DHCP", "Fleet", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .testTarget(
      name: "ServerCoreTests",
      dependencies: [
        "NetworkTypes", "BootTypes", "ServerCore", "TestSupport",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .testTarget(
      name: "BootServerTests",
      dependencies: [
        "Bytes", "NetworkTypes", "BootTypes", "Manifest", "Signing", "FrameFormat", "ImageBuilder",
        "UpdateFramework",
        "Channels",
        "DHCP", "TFTP", "Fleet", "ServerCore", "BootServer", "TestSupport",
        .product(name: "Logging", package: "swift-log"),
      ]),
    // Drives the real program ($NETIMG_BIN) from outside, so it links none of it; the devices of a storm are another
    // program of ours.
    .testTarget(name: "EndToEndTests", dependencies: ["TestSupport", "netimg-netbench"], exclude: ["Guest"]),
  ],
  swiftLanguageModes: [.v6]
)

// One block of settings, so that a new target cannot forget the rules.
for target in package.targets where target.type != .system {
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .treatAllWarnings(as: .error),
  ]
}
