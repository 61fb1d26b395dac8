@testable internal import Bytes
@testable internal import SecureBoot
internal import FoundationEssentials

extension FuzzTarget {
  static let secureBootTargets = [
    FuzzTarget("authenticode", seeds: { ["signature": try base64(sampleSignature)] }) { bytes in
      // The fuzzer cannot guess a digest: nothing verifies, but everything up to there is read.
      let zeros = SHA256.digest(of: [])
      let signature = try? Authenticode.verify(bytes, zeros, "fuzz")
      require(signature == nil, "nothing verifies without the key")
      _ = try Authenticode.verify(bytes, zeros, "fuzz")
    },
    FuzzTarget("certificate", seeds: { ["db": try base64(sampleCertificate)] }) { bytes in
      let certificate = try X509Certificate(file: bytes, source: "fuzz")
      try require(
        X509Certificate(file: Array(certificate.pem.utf8), source: "fuzz") == certificate,
        "a certificate survives PEM")
      require(certificate.keyBits >= 2048, "short keys are refused")
      require(!certificate.name.isEmpty, "a certificate has a name")
    },
  ]

  private static func base64(_ text: String) throws -> [UInt8] {
    guard let data = Data(base64Encoded: text) else {
      throw SecureBootError(.malformed, "the sample is no base64")
    }
    return [UInt8](data)
  }

  // A certificate of netimg key new --secure-boot, whose secret half is gone, and what it signed.
  private static let sampleCertificate =
    "MIIC4DCCAcigAwIBAgIQUt9VHo2Xbq96PjDroqGoXzANBgkqhkiG9w0BAQsFADASMRAwDgYDVQQDDAdsYWIyIGRiMB4XDTI2MTEy"
    + "NDIyMTIyNFoXDTQ5MTIzMTIzNTk1OVowEjEQMA4GA1UEAwwHbGFiMiBkYjCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEB"
    + "AI1xENUb726bxCUQy7EZ7Yeyl44sP/RwxOua1WGmavx47cfeG6yx0n+9J9w5bYYISh6zomZYgyaP/+P6nlmOfY8tDAv4C8VrPGfS"
    + "vTP28p2kfUIcx7wjFjgB8aE7r6sz2Pmry+K327xMB2p+palgLo0s/wHbWnf6pGH+3DUm7eAH8wcbQ4Ohmrp7E93EEle7NeODMD//"
    + "etocOvlfEjAj4AI3ocaxJRK4ZENDGDGxrA1UFizBhXG//PMnsKEwDAnz8VS0U/qRcVA77gSRaBeUgQKjneygPgP7vhESw0m7KgUB"
    + "FECkS6KVrXyPXi9+lrt08krzq+qEEuHleNr0dVxFo6cCAwEAAaMyMDAwHQYDVR0OBBYEFCgO9mNshEbSpr3NMuVHLkR2vmmpMA8G"
    + "A1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAFK6fTkUALCFXQmNWZ9xRecPbdKD4dJ7scpcbC2LxAB/P6MBg0P+kH0z"
    + "W0rmQNYHdmFgnlHf4SqwbPCPJqaN5XW2hRSjbR1dGm6LDBUOulrY4Ka4jsWW5KhKS3Sy8r2vkLDJ02vEhVR13qDUKEYprbHCHoBH"
    + "7KsNxOx/MUgnngdVTsm9c7DgKtQf435A4eRM9tcfqAp8fbXFDYyZCQ4cDYc8ILBAj6/zgNJmli0fSAVRgxkHKgHKyDpqbxFfs5bE"
    + "k6C5YYo70HcczarBKFAPoMoCrqWMv4nqLtsk+DKTp2DcktpF2kAikopdGUu3CpUg3bHjVXS+NLi33jsgYSYgAdw="
  private static let sampleSignature =
    "MIIFLAYJKoZIhvcNAQcCoIIFHTCCBRkCAQExDzANBglghkgBZQMEAgEFADB4BgorBgEEAYI3AgEEoGowaDAzBgorBgEEAYI3AgEP"
    + "MCUDAQCgIKIegBwAPAA8ADwATwBiAHMAbwBsAGUAdABlAD4APgA+MDEwDQYJYIZIAWUDBAIBBQAEIFOHoqpb6oHNFXNTe4FeWLJc"
    + "m+5Db5qJpEoPZqq0ZPvjoIIC5DCCAuAwggHIoAMCAQICEFLfVR6Nl26vej4w66KhqF8wDQYJKoZIhvcNAQELBQAwEjEQMA4GA1UE"
    + "AwwHbGFiMiBkYjAeFw0yNjExMjQyMjEyMjRaFw00OTEyMzEyMzU5NTlaMBIxEDAOBgNVBAMMB2xhYjIgZGIwggEiMA0GCSqGSIb3"
    + "DQEBAQUAA4IBDwAwggEKAoIBAQCNcRDVG+9um8QlEMuxGe2HspeOLD/0cMTrmtVhpmr8eO3H3hussdJ/vSfcOW2GCEoes6JmWIMm"
    + "j//j+p5Zjn2PLQwL+AvFazxn0r0z9vKdpH1CHMe8IxY4AfGhO6+rM9j5q8vit9u8TAdqfqWpYC6NLP8B21p3+qRh/tw1Ju3gB/MH"
    + "G0ODoZq6exPdxBJXuzXjgzA//3raHDr5XxIwI+ACN6HGsSUSuGRDQxgxsawNVBYswYVxv/zzJ7ChMAwJ8/FUtFP6kXFQO+4EkWgX"
    + "lIECo53soD4D+74REsNJuyoFARRApEuila18j14vfpa7dPJK86vqhBLh5Xja9HVcRaOnAgMBAAGjMjAwMB0GA1UdDgQWBBQoDvZj"
    + "bIRG0qa9zTLlRy5Edr5pqTAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQBSun05FACwhV0JjVmfcUXnD23Sg+HS"
    + "e7HKXGwti8QAfz+jAYND/pB9M1tK5kDWB3ZhYJ5R3+EqsGzwjyamjeV1toUUo20dXRpuiwwVDrpa2OCmuI7FluSoSkt0svK9r5Cw"
    + "ydNrxIVUdd6g1ChGKa2xwh6AR+yrDcTsfzFIJ54HVU7JvXOw4CrUH+N+QOHkTPbXH6gKfH21xQ2MmQkOHA2HPCCwQI+v84DSZpYt"
    + "H0gFUYMZByoBysg6am8RX7OWxJOguWGKO9B3HM2qwShQD6DKAq6ljL+J6i7bJPgyk6dg3JLaRdpAIpKKXRlLtwqVIN2x41V0vjS4"
    + "t947IGEmIAHcMYIBnzCCAZsCAQEwJjASMRAwDgYDVQQDDAdsYWIyIGRiAhBS31UejZdur3o+MOuioahfMA0GCWCGSAFlAwQCAQUA"
    + "oEwwGQYJKoZIhvcNAQkDMQwGCisGAQQBgjcCAQQwLwYJKoZIhvcNAQkEMSIEIE8X2n9mpprM0tewnKxQ2wDD0g/R3+VyTs/Sl73M"
    + "6wzoMA0GCSqGSIb3DQEBAQUABIIBAEzcUlhJGLalpAIKXq4hdthp01OZLJVFHO3H+sMAm6g49deDFQP57qcAElrLTPo7fc5hiM/6"
    + "CilPyR+PiVEj0dy3JP1ybJRjYsJQb9N+s03ZNmaviql1FmkKGz2HfQTuQrltQIGIkU+wCYZHN1Nq3dIUj4h1blVCfCxxk6IJwvZ7"
    + "kWEVq31M3uO1ZCimYLuiAdxHaJUQBe2Atq3FK/2NBVhsBy4lMexHbywhf7Bfw2XHq1/qicXNJM52nvnNWmmdGSETyXWudyKrI8g/"
    + "Fg0aiCMC5bUC+kUdj4i9D+NelEpe2cw4m3cyy8Ul/3Q8IUIicTOZ5Jg55kjG0h4SGtt5ukc="
}
