internal import Bytes

/// A time-based authenticated write to one of the variables of Secure Boot (UEFI 2.10, section 8.2.6): a file that
/// firmware setup, systemd-boot and `efi-updatevar -f` take.
///
///     EFI_VARIABLE_AUTHENTICATION_2: TimeStamp, 16 │ WIN_CERTIFICATE_UEFI_GUID, 24 │ SignedData │ data
package enum AuthenticatedVariable {
  /// EFI_VARIABLE_NON_VOLATILE, BOOTSERVICE_ACCESS, RUNTIME_ACCESS, TIME_BASED_AUTHENTICATED_WRITE_ACCESS.
  static let attributes: UInt32 = 0x27
  /// EFI_VARIABLE_APPEND_WRITE.
  static let append: UInt32 = 0x40

  /// - Parameters:
  ///   - role: which variable.
  ///   - data: its new content, or what is added to it; nothing deletes it.
  ///   - isAppended: whether the data are added to the variable's.
  ///   - time: firmware refuses a write that is not newer than the last, unless it adds.
  ///   - signer: whose certificate the firmware has in PK, or in KEK for db; in PK itself before there is one.
  package static func encode(
    _ role: SecureBootRole, _ data: [UInt8], isAppended: Bool = false, time: CivilTime,
    signer: any SecureBootSigner
  ) async throws -> [UInt8] {
    let stamp = timeStamp(time)
    var message = ByteWriter()
    for unit in role.rawValue.utf16 { message.littleEndian(unit) }
    message.append(role.vendor.bytes)
    message.littleEndian(isAppended ? attributes | append : attributes)
    message.append(stamp)
    message.append(data)
    let signed = try await SignedData.sign(detached: message.bytes, signer: signer).encode()
    var writer = ByteWriter()
    writer.append(stamp)
    writer.littleEndian(UInt32(24 + signed.count))
    writer.littleEndian(UInt16(0x0200))
    writer.littleEndian(UInt16(0x0EF1))  // WIN_CERT_TYPE_EFI_GUID
    writer.append(EFIGUID.certificateTypePKCS7.bytes)
    writer.append(signed)
    writer.append(data)
    return writer.bytes
  }

  /// EFI_TIME, with everything below a second and the time zone 0, as the specification demands.
  private static func timeStamp(_ time: CivilTime) -> [UInt8] {
    var writer = ByteWriter()
    writer.littleEndian(UInt16(time.year))
    writer.append([time.month, time.day, time.hour, time.minute, time.second].map { UInt8($0) })
    writer.fill(9)
    return writer.bytes
  }
}

/// A key of Secure Boot; the raw value is the variable's name (UEFI 2.10, section 3.3 and 32.3).
package enum SecureBootRole: String, CaseIterable, Sendable {
  /// The platform key: whoever has it owns the machine; it signs changes of PK and KEK.
  case platform = "PK"
  /// The key exchange key: it signs changes of db and dbx.
  case keyExchange = "KEK"
  /// The signature database: its keys sign what boots.
  case database = "db"

  var vendor: EFIGUID { self == .database ? .imageSecurityDatabase : .globalVariable }
}
