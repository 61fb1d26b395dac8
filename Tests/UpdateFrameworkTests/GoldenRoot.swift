/// Root metadata of which every byte is another's work: three kinds of keys, a threshold of three, an unknown member.
///
/// Made with python-tuf 7.0.0 and securesystemslib 1.4.0 (Root, Metadata.sign with a CryptoSigner of each kind, RSA with
/// 2048 bits), then written compactly with sorted members. The keys were thrown away.
enum GoldenRoot {
  /// SHA-256 of what is signed, by securesystemslib's encode_canonical.
  static let canonicalDigest = "fbc8004a9b9f8c072ea4e93739dec8d598902bbc2ec1f982b9bfa9d6d1456a6e"
  static let keyIDs = [
    "f415ca426d3cbd1009603c45764e4ad86c3d4f79a2c8c87ebb4bc4e6fd468027",
    "5529d1ce3f5470365cd2c445ed1402665eea00453f9af278d8b34805a109baad",
    "c7437843291d84819904b10eef263a8918612abb6ac0f9386d39c5edf76ae98b",
  ]
  static let file = #"""
    {"signatures":[{"keyid":"f415ca426d3cbd1009603c45764e4ad86c3d4f79a2c8c87ebb4bc4e6fd468027","sig":"\#
    65bae50f114371c57eae88798f36feb374d7bfd8852dcabcc259a29733370a95cdfe79c41d301467ae83e64ea006808227\#
    14f31fbb0817aa40e00891762e950e"},{"keyid":"5529d1ce3f5470365cd2c445ed1402665eea00453f9af278d8b3480\#
    5a109baad","sig":"3046022100e52e8e95e48a32c1c4e6ee602411516eb74470505969b4ac465e6a6f7f411df1022100\#
    fb75741624c06c1e053e66e93fd4b38d8171478015e9fa04ba8f9eb24067e4ea"},{"keyid":"c7437843291d84819904b\#
    10eef263a8918612abb6ac0f9386d39c5edf76ae98b","sig":"03a8f8768ce81af60955e28ca3361c55b5a8e582219862\#
    6a88c2c73c85ddfc2da48374178ee37aee0c0e550891a696cf217da027cae1d7cdac6037d5e2e8399ad1fbb03a21ff8d24\#
    f9ee4924ee2c86f435444f66917b9d0c1f486345a1e14f4a75547ec6ee8ff6c9b686523bb07402867e0b1216ffa1f96ed3\#
    02d4a40053ed0ed827084978857a2b0ed132c12fe778d3b444742041e64b7d8636d0a5cdc2534ddd4863196555e532d839\#
    757842c2000b378df76340658ef5399e545a4c0e5e0305ccf412e58b380d1c7c847b2101c6901cb090dee497c09a23e0f9\#
    9c555b28d64896d903f4a96c8bc3b9423c90f71f52b6f7360a6d9a6f451fd048b31be2023c"}],"signed":{"_type":"r\#
    oot","consistent_snapshot":true,"expires":"2035-01-01T00:00:00Z","keys":{"5529d1ce3f5470365cd2c445\#
    ed1402665eea00453f9af278d8b34805a109baad":{"keytype":"ecdsa","keyval":{"public":"-----BEGIN PUBLIC\#
     KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkT7ZxOcx2KQNRVsWYXWSSvrF72hW\ni2BjLI4OzHIp+mawlQC6i\#
    GQa45BMxV3FSExMZmRNTNoRh0xwfy62ZjFkTw==\n-----END PUBLIC KEY-----\n"},"scheme":"ecdsa-sha2-nistp25\#
    6"},"c7437843291d84819904b10eef263a8918612abb6ac0f9386d39c5edf76ae98b":{"keytype":"rsa","keyval":{\#
    "public":"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq3lvdtFBuaem3YKH\#
    y1v+\ncqQecI8WT6w3LRBddQ2gNWxnCbyvS+dGql/v59108lrrqTR49+JKLOjRBAxrNCyK\nGMsGz/PmXrAc0NQsQ1t0kaUs91\#
    SpNgCnpC0sG6rYCNxmx/QMzqJw0Ec4i1matbmL\noEzgIy/lsSQ2EhK5a2aeW/oWVh+MzOnGyNRg3pGem/VDcSVlgDTqfDiqUJ\#
    Ob9Ia0\nwM6lM45cwr7CqrTE/RqeGFPpKwpntg33q5WnjoGzxKMQqB2/YhjC0fpR6OtcQ+CY\nybsSRu/5ujG2LpqhOOfLYCG4\#
    J8sxaTVsZKT4cXlo36thmbILdR1dMy3yTKVMU1Z5\nWQIDAQAB\n-----END PUBLIC KEY-----\n"},"scheme":"rsassa-\#
    pss-sha256"},"f415ca426d3cbd1009603c45764e4ad86c3d4f79a2c8c87ebb4bc4e6fd468027":{"keytype":"ed2551\#
    9","keyval":{"public":"dcbc583fdc3c9a57a58a6be00a97d7448fadf64e28d2a5ced7936456e5d9c6e5"},"scheme"\#
    :"ed25519"}},"roles":{"root":{"keyids":["f415ca426d3cbd1009603c45764e4ad86c3d4f79a2c8c87ebb4bc4e6f\#
    d468027","5529d1ce3f5470365cd2c445ed1402665eea00453f9af278d8b34805a109baad","c7437843291d84819904b\#
    10eef263a8918612abb6ac0f9386d39c5edf76ae98b"],"threshold":3},"snapshot":{"keyids":["5529d1ce3f5470\#
    365cd2c445ed1402665eea00453f9af278d8b34805a109baad"],"threshold":1},"targets":{"keyids":["c7437843\#
    291d84819904b10eef263a8918612abb6ac0f9386d39c5edf76ae98b"],"threshold":1},"timestamp":{"keyids":["\#
    f415ca426d3cbd1009603c45764e4ad86c3d4f79a2c8c87ebb4bc4e6fd468027"],"threshold":1}},"spec_version":\#
    "1.0.31","version":1,"x-note":"grüße \"\\  "}}
    """#
}
