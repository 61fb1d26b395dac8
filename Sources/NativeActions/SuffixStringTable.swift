/// A table of NUL-terminated strings in which a string that ends another one shares its bytes.
///
/// Strings are sorted by their reversed bytes, greatest first and the longer first, so that each can only share with
/// the one before it: glibc's `elf/stringtable.c` does the same, and equal inputs give equal bytes.
struct SuffixStringTable {
  private(set) var bytes: [UInt8] = []
  private var offsets: [[UInt8]: Int] = [:]

  init(_ strings: some Sequence<String>) {
    let unique = Set(strings.map { [UInt8]($0.utf8) })
    let sorted = unique.sorted { left, right in
      right.reversed().lexicographicallyPrecedes(left.reversed())
    }
    var previous: [UInt8] = []
    for string in sorted {
      if previous.count >= string.count, previous.suffix(string.count).elementsEqual(string), !bytes.isEmpty {
        offsets[string] = bytes.count - 1 - string.count
      } else {
        offsets[string] = bytes.count
        bytes += string
        bytes.append(0)
        previous = string
      }
    }
  }

  /// Where a string that was given to the initializer begins.
  func offset(of string: String) -> Int {
    offsets[[UInt8](string.utf8)] ?? 0
  }
}
