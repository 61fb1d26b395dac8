/// A tar archive read in one pass; it knows what dpkg knows and refuses everything else.
///
/// dpkg writes and accepts ustar and old GNU headers only (deb(5)): PAX records, sparse files and multi-volume
/// headers, where tar readers disagree with each other, are errors here as they are there.
struct TarReader: ~Copyable {
  private var stream: DecompressionStream
  /// What is left of the stream's last block.
  private var pending = UnsafeRawBufferPointer(start: nil, count: 0)
  private let label: String
  private let maximumName: Int

  init(_ stream: consuming DecompressionStream, label: String, maximumName: Int) {
    self.stream = stream
    self.label = label
    self.maximumName = maximumName
  }

  /// The next member's header, long names resolved; the content that it announces must be taken before the next
  /// call. `nil` at the end, which is reached only through a sound stream.
  mutating func next() throws(DebianPackageError) -> TarHeader? {
    var longName: [UInt8]?
    var longLink: [UInt8]?
    while true {
      guard var header = try header() else {
        guard longName == nil, longLink == nil else {
          throw corrupt("a long name is followed by no member")
        }
        try finish()
        return nil
      }
      switch header.type {
      case 0x4C where longName == nil: longName = try longText(header)  // L
      case 0x4B where longLink == nil: longLink = try longText(header)  // K
      case 0x4C, 0x4B: throw corrupt("a member has two long names")
      case 0x78, 0x67:  // x, g
        throw DebianPackageError(.unsupported, "\(label) has PAX headers, which no Debian package may have")
      default:
        if let longName { header.name = longName }
        if let longLink { header.linkName = longLink }
        return header
      }
    }
  }

  /// The content of the member under way; the buffer grows with what arrives, whatever the header claims.
  mutating func content(_ size: Int) throws(DebianPackageError) -> [UInt8] {
    var content: [UInt8] = []
    content.reserveCapacity(min(size, 4 << 20))
    try consume(size) {
      // What is that long already deserves belief: growing by doubling would hold it twice.
      if content.count >= 32 << 20, content.capacity < size { content.reserveCapacity(size) }
      content.append(contentsOf: $0)
    }
    try skipPadding(size)
    return content
  }

  /// Passes over the content of the member under way.
  mutating func skip(_ size: Int) throws(DebianPackageError) {
    try consume(size) { _ in }
    try skipPadding(size)
  }

  private mutating func header() throws(DebianPackageError) -> TarHeader? {
    var block: [UInt8] = []
    block.reserveCapacity(TarHeader.size)
    try consume(TarHeader.size) { block.append(contentsOf: $0) }
    do throws(TarFieldError) {
      return try TarHeader(block)
    } catch {
      throw corrupt("a tar header has a wrong \(error.field)")
    }
  }

  private mutating func longText(_ header: TarHeader) throws(DebianPackageError) -> [UInt8] {
    guard header.contentSize <= maximumName + 1 else {
      throw DebianPackageError(.limit, "\(label) has a name longer than \(maximumName) bytes")
    }
    var text = try content(header.contentSize)
    if text.last == 0 { text.removeLast() }
    guard !text.isEmpty, !text.contains(0) else {
      throw DebianPackageError(.unsafePath, "\(label) has a long name that is empty or holds a NUL")
    }
    return text
  }

  /// After the first block of zeros: a second one, then nothing but zeros to the end of the stream.
  private mutating func finish() throws(DebianPackageError) {
    guard try header() == nil else { throw corrupt("a member follows a block of zeros") }
    repeat {
      guard pending.allSatisfy({ $0 == 0 }) else {
        throw corrupt("something follows the end of the tar archive")
      }
    } while try refill()
  }

  private mutating func skipPadding(_ size: Int) throws(DebianPackageError) {
    try consume((TarHeader.size - size % TarHeader.size) % TarHeader.size) { _ in }
  }

  private mutating func consume(
    _ count: Int, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(DebianPackageError) {
    var left = count
    while left > 0 {
      if pending.isEmpty, try !refill() { throw corrupt("the tar archive ends too soon") }
      let taken = min(left, pending.count)
      body(UnsafeRawBufferPointer(rebasing: pending[..<taken]))
      pending = UnsafeRawBufferPointer(rebasing: pending[taken...])
      left -= taken
    }
  }

  /// Fetches the next block; `false` at the end of the stream.
  private mutating func refill() throws(DebianPackageError) -> Bool {
    guard let block = try stream.next() else { return false }
    pending = block
    return true
  }

  private borrowing func corrupt(_ what: String) -> DebianPackageError {
    DebianPackageError(.corrupt, "\(label) is damaged: \(what); fetch the package again")
  }
}
