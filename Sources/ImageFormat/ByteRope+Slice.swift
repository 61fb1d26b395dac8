package import Bytes

extension ByteRope {
  /// The bytes in `range`, which must lie inside the rope. Chunks that are wholly inside are shared.
  package func slice(_ range: Range<Int>) -> ByteRope {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "a slice stays inside the rope")
    var result = ByteRope()
    var start = 0
    for chunk in chunks {
      let end = start + chunk.count
      let low = max(start, range.lowerBound)
      let high = min(end, range.upperBound)
      if low < high {
        result.append(high - low == chunk.count ? chunk : Array(chunk[low - start..<high - start]))
      }
      if end >= range.upperBound { break }
      start = end
    }
    return result
  }

  /// Appends zeros; long runs share one chunk.
  mutating func appendZeros(_ total: Int) {
    var left = total
    let chunk = [UInt8](repeating: 0, count: min(max(0, total), 1 << 20))
    while left > 0 {
      append(left >= chunk.count ? chunk : Array(chunk[..<left]))
      left -= chunk.count
    }
  }
}
