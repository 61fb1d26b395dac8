internal import ArgumentParser

/// A number of bytes as people write it: `1000`, `64KiB`, `500MiB`, `2GiB`, `1TiB`.
struct ByteCount: ExpressibleByArgument {
  let bytes: Int

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    let units = ["": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40]
    guard let number = Int(digits), let shift = units[String(argument.dropFirst(digits.count))],
      number <= Int.max >> shift
    else { return nil }
    bytes = number << shift
  }
}
