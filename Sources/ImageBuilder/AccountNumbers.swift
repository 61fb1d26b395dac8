/// The numbers of the image's users and groups, by name.
package struct AccountNumbers: Sendable {
  package var users: [String: UInt32]
  package var groups: [String: UInt32]

  package init(users: [String: UInt32], groups: [String: UInt32]) {
    self.users = users
    self.groups = groups
  }

  func user(_ reference: AccountReference, of path: String) throws(BuildError) -> UInt32 {
    try number(reference, in: users, "user", of: path)
  }

  func group(_ reference: AccountReference, of path: String) throws(BuildError) -> UInt32 {
    try number(reference, in: groups, "group", of: path)
  }

  private func number(
    _ reference: AccountReference, in table: [String: UInt32], _ what: String, of path: String
  ) throws(BuildError) -> UInt32 {
    switch reference {
    case .number(let number): return number
    case .name(let name):
      guard let number = table[name] else {
        throw BuildError(
          .manifest,
          "/\(path) belongs to \(what) \(name), which the image does not have: declare it under \(what)s:")
      }
      return number
    }
  }
}
