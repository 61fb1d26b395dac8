/// Help text whose paragraphs are one line each, so that the terminal's width alone breaks them: lines of a paragraph are
/// joined, indented lines (examples) stay as they are.
func flowing(_ text: String) -> String {
  var lines: [String] = []
  for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
    if let last = lines.last, !last.isEmpty, !last.hasPrefix(" "), !line.isEmpty, !line.hasPrefix(" ") {
      lines[lines.count - 1] = "\(last) \(line)"
    } else {
      lines.append(String(line))
    }
  }
  return lines.joined(separator: "\n")
}
