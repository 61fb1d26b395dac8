internal import Bytes
internal import Manifest

/// The extended attribute `security.capability` (capabilities(7), `struct vfs_cap_data` revision 2).
package enum FileCapabilities {
  /// The capabilities in the order of their numbers (linux/capability.h).
  package static let names = [
    "cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill",
    "cap_setgid",
    "cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast",
    "cap_net_admin", "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio",
    "cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice",
    "cap_sys_resource", "cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write",
    "cap_audit_control", "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm",
    "cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore",
  ]

  /// Permitted and effective: what `setcap NAME=ep` writes.
  static func encode(_ capabilities: [String], at location: SourceLocation) throws(BuildError) -> [UInt8] {
    var mask: UInt64 = 0
    for capability in capabilities {
      guard let number = names.firstIndex(of: capability) else {
        throw BuildError(.manifest, "\(location): there is no capability \(capability): see capabilities(7)")
      }
      mask |= 1 << UInt64(number)
    }
    var writer = ByteWriter()
    writer.littleEndian(UInt32(0x0200_0001))  // VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE
    for half in [UInt32(truncatingIfNeeded: mask), UInt32(truncatingIfNeeded: mask >> 32)] {
      writer.littleEndian(half)
      writer.littleEndian(UInt32(0))
    }
    return writer.bytes
  }
}
