internal import CLibarchive

/// One compressed stream, read block by block through libarchive without a copy of ours.
///
/// libarchive only decompresses here: its “raw” format has no member names, so that no locale has a say.
struct DecompressionStream: ~Copyable {
  /// A ratio is judged only beyond this much output: small files of zeros are harmless.
  private static let ratioGrace = 64 << 20

  /// `nil` for input that is not compressed.
  private let archive: OpaquePointer?
  private let input: UnsafeRawBufferPointer
  private let limit: Int
  private let name: String
  private var produced = 0
  private var isAtEnd = false
  /// libarchive's reader is past its end from the start if nothing comes out.
  private var isEmpty = false
  /// libarchive leaves a gzip stream's checksum unread.
  private var checksum: CRC32?

  deinit {
    if let archive { archive_read_free(archive) }
  }

  private init(
    archive: OpaquePointer?, input: UnsafeRawBufferPointer, limit: Int, name: String, checksum: CRC32?
  ) {
    self.archive = archive
    self.input = input
    self.limit = limit
    self.name = name
    self.checksum = checksum
  }

  /// Begins a stream; `input` must outlive it.
  /// - Parameter ratio: how many times larger than the input the output may be, beyond 64 MiB.
  static func open(
    _ input: UnsafeRawBufferPointer, as compression: Compression, limit: Int, ratio: Int?, name: String
  ) throws(DebianPackageError) -> DecompressionStream {
    let (product, overflow) = input.count.multipliedReportingOverflow(by: ratio ?? 1)
    let allowed = ratio == nil || overflow ? limit : min(limit, max(product, ratioGrace))
    guard compression != .none else {
      return DecompressionStream(archive: nil, input: input, limit: allowed, name: name, checksum: nil)
    }
    guard let archive = archive_read_new() else {
      throw DebianPackageError(.corrupt, "\(name): there is no memory to decompress it")
    }
    var stream = DecompressionStream(
      archive: archive, input: input, limit: allowed, name: name,
      checksum: compression == .gzip ? CRC32() : nil)
    stream.isEmpty = try stream.start(archive, compression)
    return stream
  }

  /// Reads up to the first byte; `true` if there is none.
  private borrowing func start(
    _ archive: OpaquePointer, _ compression: Compression
  ) throws(DebianPackageError) -> Bool {
    let (support, code) =
      switch compression {
      case .none: (ARCHIVE_OK, ARCHIVE_FILTER_NONE)
      case .gzip: (archive_read_support_filter_gzip(archive), ARCHIVE_FILTER_GZIP)
      case .xz: (archive_read_support_filter_xz(archive), ARCHIVE_FILTER_XZ)
      case .zstd: (archive_read_support_filter_zstd(archive), ARCHIVE_FILTER_ZSTD)
      case .bzip2: (archive_read_support_filter_bzip2(archive), ARCHIVE_FILTER_BZIP2)
      }
    // A warning here means that libarchive would start an external program: never.
    guard support == ARCHIVE_OK else {
      throw DebianPackageError(
        .unsupported,
        "\(name): this machine's libarchive reads no \(compression.rawValue); install one that does")
    }
    guard archive_read_support_format_raw(archive) == ARCHIVE_OK,
      archive_read_support_format_empty(archive) == ARCHIVE_OK,
      archive_read_open_memory(archive, input.baseAddress, input.count) == ARCHIVE_OK
    else { throw corrupt() }
    // The filter and the memory below it: no filter means another format, two mean a stream inside a stream.
    guard archive_filter_count(archive) == 2, archive_filter_code(archive, 0) == code else {
      throw DebianPackageError(
        .corrupt, "\(name) is not one \(compression.rawValue) stream; fetch the file again")
    }
    var entry: OpaquePointer?
    switch archive_read_next_header(archive, &entry) {
    case ARCHIVE_OK: return false
    // libarchive calls a stream that breaks before its first byte empty, but keeps the error.
    case ARCHIVE_EOF where archive_errno(archive) == 0: return true
    default: throw corrupt()
    }
  }

  /// The next bytes, valid until the next call; `nil` once the whole stream has been read and found sound.
  mutating func next() throws(DebianPackageError) -> UnsafeRawBufferPointer? {
    if isAtEnd { return nil }
    guard let archive else {
      isAtEnd = true
      try count(input.count)
      return input.isEmpty ? nil : input
    }
    var start: UnsafeRawPointer?
    var size = 0
    var offset: Int64 = 0
    switch isEmpty ? ARCHIVE_EOF : archive_read_data_block(archive, &start, &size, &offset) {
    case ARCHIVE_OK:
      try count(size)
      let block = UnsafeRawBufferPointer(start: start, count: size)
      checksum?.update(block)
      return block
    case ARCHIVE_EOF:
      isAtEnd = true
      try finish(archive)
      return nil
    default:
      throw corrupt()
    }
  }

  private mutating func count(_ size: Int) throws(DebianPackageError) {
    let (sum, overflow) = produced.addingReportingOverflow(size)
    guard !overflow, sum <= limit else {
      throw DebianPackageError(
        .limit, "\(name) grows beyond \(limit) bytes when it is decompressed; it is refused")
    }
    produced = sum
  }

  /// What libarchive does not look at: bytes after the stream, and gzip's trailer (RFC 1952, section 2.3.1).
  private func finish(_ archive: OpaquePointer) throws(DebianPackageError) {
    guard archive_filter_bytes(archive, -1) == Int64(input.count) else {
      throw DebianPackageError(.corrupt, "\(name): something follows the end of the compressed stream")
    }
    guard let checksum else { return }
    func word(_ offset: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(input[input.count - offset + $1]) << UInt32(8 * $1) }
    }
    guard input.count >= 18, word(8) == checksum.value, word(4) == UInt32(truncatingIfNeeded: produced) else {
      throw DebianPackageError(.corrupt, "\(name): the gzip checksum does not match; fetch the file again")
    }
  }

  private borrowing func corrupt() -> DebianPackageError {
    let cause = archive.flatMap { archive_error_string($0) }.map { String(cString: $0) } ?? "it ends too soon"
    return DebianPackageError(
      .corrupt, "\(name) is damaged (\(cause)); fetch the file again")
  }
}
