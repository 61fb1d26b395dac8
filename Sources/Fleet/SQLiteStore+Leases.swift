package import DHCP
internal import FoundationEssentials
internal import GRDB
internal import NetworkTypes

extension SQLiteStore: LeaseStore {
  package func loadLeases() throws -> [Lease] {
    try read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM lease ORDER BY address").compactMap { row in
        // A row that nobody can have written is no lease; the next one on that address replaces it.
        guard let address = IPAddress(row["address"] as String),
          let state = Lease.State(rawValue: row["state"])
        else {
          return nil
        }
        return Lease(
          address: address, client: [UInt8](row["client"] as Data),
          hardwareAddress: (row["mac"] as String?).flatMap { MACAddress($0) }, hostName: row["hostName"],
          state: state, granted: row["granted"], expires: row["expires"])
      }
    }
  }

  package func commitLeases(_ changes: [LeaseChange]) throws {
    try write { database in
      let put = try database.cachedStatement(
        sql: """
          INSERT INTO lease (address, client, mac, hostName, state, granted, expires) VALUES (?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (address) DO UPDATE SET client = excluded.client, mac = excluded.mac,
            hostName = excluded.hostName, state = excluded.state, granted = excluded.granted,
            expires = excluded.expires
          """)
      for change in changes {
        switch change {
        case .put(let lease):
          try put.execute(arguments: [
            lease.address.description, Data(lease.client), lease.hardwareAddress?.description, lease.hostName,
            lease.state.rawValue, lease.granted, lease.expires,
          ])
        case .remove(let address):
          try database.cachedStatement(sql: "DELETE FROM lease WHERE address = ?")
            .execute(arguments: [address.description])
        }
      }
    }
  }
}
