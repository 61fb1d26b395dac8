extension ServerKeys {
  // http
  static let listen = Key(
    "listen", .values(of: .text(.listenAddress)), "Addresses with ports; 0.0.0.0:8080 if it is missing.",
    example: #"["192.0.2.1:8080", "[2001:db8::1]:8080"]"#)
  static let listenSecure = Key(
    "listenSecure", .values(of: .text(.listenAddress)), "Addresses with ports for HTTPS.",
    example: #"["192.0.2.1:8443"]"#)
  static let certificate = Key(
    "certificate", .text(.hostPath), "A PEM file with the certificate and its chain, for HTTPS.",
    example: "/etc/netimg/https.pem")
  static let certificateKey = Key(
    "key", .text(.hostPath), "A PEM file with the certificate's key.", example: "/etc/netimg/https.key")
  static let operators = Key(
    "operators", .values(of: FleetKeys.network), "Who may read metrics and the API, beside this host itself.",
    example: "[192.0.2.128/25]")
  static let connections = Key(
    "connections", .integer(1...1_000_000), "The most connections at once; 4096 if it is missing.",
    example: "4096")
  static let connectionsPerClient = Key(
    "connectionsPerClient", .integer(1...1_000_000),
    "The most connections at once from one address; 2048 if it is missing.", example: "64")

  static let httpSettings = ValueType<HTTPSettings>.object(
    "HTTP", "The HTTP listeners.",
    keys: [listen, listenSecure, certificate, certificateKey, operators, connections, connectionsPerClient]
  ) { fields, context in
    var http = HTTPSettings()
    if let listen = fields[listen] { http.listen = listen }
    http.listenSecure = fields[listenSecure] ?? []
    http.certificate = fields[certificate]
    http.key = fields[certificateKey]
    http.operators = fields[operators] ?? []
    if let connections = fields[connections] { http.connections = connections }
    if let connections = fields[connectionsPerClient] { http.connectionsPerClient = connections }
    if !http.listenSecure.isEmpty, http.certificate == nil || http.key == nil {
      context.report(
        .missingKey, at: fields.location, "listenSecure needs a certificate and its key",
        suggestion: "add certificate and key")
    }
    return http
  }

  // control
  static let controlListen = Key(
    "listen", .values(of: .text(.listenAddress)),
    "Addresses with ports for health, metrics and the API, and nothing that devices load; 127.0.0.1:8081 if it is missing and the role boot is another process's.",
    example: #"["127.0.0.1:8081"]"#)

  static let controlSettings = ValueType<ControlSettings>.object(
    "Control", "The role control's own listeners.", keys: [controlListen]
  ) { fields, _ in
    var control = ControlSettings()
    control.listen = fields[controlListen] ?? []
    return control
  }

  // tftp
  static let tftpEnabled = Key(
    "enabled", .boolean, "Whether it runs; true if it is missing.", example: "false")
  static let tftpPort = Key(
    "port", .integer(1...65535), "Its UDP port; 69 if it is missing.", example: "6969")
  static let singlePort = Key(
    "singlePort", .boolean, "Whether transfers stay on that port, for firewalls; false if it is missing.",
    example: "true")
  static let sessions = Key(
    "sessions", .integer(1...1_000_000), "The most transfers at once; 4096 if it is missing.", example: "1024"
  )
  static let sessionsPerClient = Key(
    "sessionsPerClient", .integer(1...1_000_000),
    "The most transfers at once to one address; 2048 if it is missing.", example: "4")

  static let tftpSettings = ValueType<TFTPSettings>.object(
    "TFTP", "The TFTP server.", keys: [tftpEnabled, tftpPort, singlePort, sessions, sessionsPerClient]
  ) { fields, _ in
    var tftp = TFTPSettings()
    if let isEnabled = fields[tftpEnabled] { tftp.isEnabled = isEnabled }
    if let port = fields[tftpPort] { tftp.port = port }
    if let singlePort = fields[singlePort] { tftp.singlePort = singlePort }
    if let sessions = fields[sessions] { tftp.sessions = sessions }
    if let sessions = fields[sessionsPerClient] { tftp.sessionsPerClient = sessions }
    return tftp
  }
}
