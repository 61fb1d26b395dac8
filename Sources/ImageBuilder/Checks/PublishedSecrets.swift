internal import Bytes

/// Keys and tokens that are no secrets because everybody has them.
enum PublishedSecrets {
  /// - Parameter text: of a PEM key, the first 64 characters of its body; of a token or another key, all of it.
  static func contains(_ text: [UInt8]) -> Bool {
    digests.contains(SHA256.digest(of: text).hex)
  }

  /// SHA-256, so that this program does not hold what it looks for.
  private static let digests: Set<String> = [
    // GnuTLS tests itself with these when it starts (`lib/crypto-selftests-pk.c`).
    "36d32468a4353827c6db9a9477736adf7bb980c50854d0b57257f5132ef32d39",
    "4a1e3b45fa80854157c959a2e3c0f598aab717ecd3b7a3b3f1271f43d966699e",
    "4b86104d3a39ae361925614ff33350c34aa8370b85a3b2e79ee407705a0af571",
    "8dd51545b81e4a0a285630cfc608921c2523171d5cf57a8123116658baa84558",
    "8e2145349f01ed8f5c3afa5ec9381b3b3ae43b7da9088b010c7c4f01593d0d77",
    "8f642f0351e1761dd3f7d8934a2da0a5eacd7f8a2c0440d8e2bf58ff2a6e847d",
    "9c01da374f769ee2a92018e99081675d1ce48ba297c8e8641db80c21a4f4dc3b",
    "c471252232a6e68f793ca59626059f9f33e390b628ab8a8e0188aec275b7fe47",
    "c50f38f5a25dad1abc4c3162635f014f05e857ae7e6b590f66b42793e27f9d37",
    "d76d8725f92d87288e0466d850892bf8dd7f487ad21d40f211612ebec68852a2",
    "e36ff64abc8431d1295824c32f55327df2af968b417a4073cc696a2332d3c370",
    "fe14d9ea324a30fd417e971fa264a34bcb0ef77fc505fe66ce09061a7f060a4d",
    // gnutls-cli measures with these (`src/benchmark-tls.c`).
    "018cf229766ddc025f394475da197c4eed65eff133b87bbbb5c2026e862262da",
    "1aeead0d0e87aeec825bc3920bc11f61a93519c034bed2bdcd85de583792e897",
    "2a17d96b9fcd3aff605ab52eec4f3b18d7867a7dac570d5e3fc213b8b2704198",
    "643faeb350991a50e7492f1e369577831f52e1353dcb36f2af91767293d9fc4a",
    // Tokens of librdkafka's own tests, which are in the library.
    "34e89f54cdd8ce02535f5d0601ba876d6d2263af5abc0dcf2e486e3c9c281b4c",
    "7675a6ec528c808513d026129e99a7950e88f1d2a7896fa6beee277a9f0a73f5",
    "8a489eb71ae2f1524992d2e39802ea38bbd2cf76f1151f73594e0973e6449a88",
    "9c63ab5af544923e35a5a9f92a0e6a2a1a4188921eb3212848bc934c76c926f5",
    // The examples of systemd.netdev(5), wg(8) and wg-quick(8).
    "08136314cc06d4f2e8e9bf82cb999595f0a3ef7f9ffc0e2960cf849e1f5c09d2",
    "31bd5694cf5e601e9ea977e532b85adc5ab72a57deba87bb3268ab73cf2e9d7c",
    "ea1ca3e25b35a51ea7c8c9e5434d6faa6d49963d09845fb49028aaa4f6a2e709",
    "f00f15c9bc65f1cf6db14145c9ad5da3e4eee128e7e2ae831850af38e8d64606",
  ]
}
