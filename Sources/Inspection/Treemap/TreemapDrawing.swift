internal import Bytes
internal import ImageBuilder
internal import ImageFormat

/// A picture of what takes room in an image: packs, and in each its files. One file that needs nothing else.
package enum TreemapDrawing {
  private static let size = (width: 1600.0, height: 1000.0)
  private static let header = 16.0

  /// As SVG 1.1.
  package static func svg(of image: ReleaseImage) -> String {
    let kinds = ["package": 210.0, "component": 130.0, "image": 90.0, "stage0": 30.0, "generated": 0.0]
    var filesOfPack: [String: [EROFSReader.Node]] = [:]
    let packs = image.packOfPath
    for node in image.distinctFiles where node.size > 0 {
      guard let pack = packs[ExactString(node.path)] else { continue }
      filesOfPack["\(pack.kind) \(pack.name)", default: []].append(node)
    }
    let groups = filesOfPack.map {
      (name: $0.key, files: $0.value, bytes: $0.value.reduce(0) { $0 + $1.size })
    }
    .sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
    let (width, height) = size
    var text = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" \
      font-family="sans-serif" font-size="11">
      <title>\(escape("\(image.release.name) \(image.release.version)"))</title>

      """
    let places = Treemap.layout(
      groups.map { Double($0.bytes) }, in: Treemap.Rectangle(x: 0, y: 0, width: width, height: height))
    for (group, place) in zip(groups, places) {
      let kind = String(group.name.prefix { $0 != " " })
      let label = kind == "package" ? String(group.name.dropFirst(8)) : group.name
      text += rectangle(
        place, fill: "hsl(\(Int(kinds[kind] ?? 0)),35%,55%)", title: "\(label): \(group.bytes) bytes")
      let hasHeader = place.height > 3 * header && place.width > 40
      if hasHeader { text += caption(label, in: place) }
      let inner = Treemap.Rectangle(
        x: place.x + 1, y: place.y + (hasHeader ? header : 1), width: max(0, place.width - 2),
        height: max(0, place.height - (hasHeader ? header + 1 : 2)))
      text += files(group.files, in: inner, hue: kinds[kind] ?? 0)
    }
    return text + "</svg>\n"
  }

  /// As a page around the same drawing.
  package static func html(of image: ReleaseImage) -> String {
    let title = escape("\(image.release.name) \(image.release.version)")
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>\(title)</title>
      <style>body{margin:0}svg{width:100vw;height:100vh}</style></head>
      <body>
      \(svg(of: image))</body></html>

      """
  }

  private static func files(_ files: [EROFSReader.Node], in frame: Treemap.Rectangle, hue: Double) -> String {
    let sorted = files.sorted { ($1.size, $0.path) < ($0.size, $1.path) }
    var text = ""
    for (file, place) in zip(sorted, Treemap.layout(sorted.map { Double($0.size) }, in: frame)) {
      // Smaller than a dot: the pack's own colour stands for it.
      guard place.width >= 1.5, place.height >= 1.5 else { continue }
      text += rectangle(place, fill: "hsl(\(Int(hue)),45%,80%)", title: "/\(file.path): \(file.size) bytes")
      let name = file.path.split(separator: "/").last.map(String.init) ?? ""
      if place.height > header, place.width > 7 * Double(name.count) { text += caption(name, in: place) }
    }
    return text
  }

  private static func rectangle(_ place: Treemap.Rectangle, fill: String, title: String) -> String {
    """
    <rect x="\(number(place.x))" y="\(number(place.y))" width="\(number(place.width))" \
    height="\(number(place.height))" fill="\(fill)" stroke="#fff" stroke-width=".5">\
    <title>\(escape(title))</title></rect>

    """
  }

  private static func caption(_ text: String, in place: Treemap.Rectangle) -> String {
    let room = max(1, Int(place.width / 7))
    let shown = text.count > room ? String(text.prefix(max(1, room - 1))) + "…" : text
    return "<text x=\"\(number(place.x + 3))\" y=\"\(number(place.y + 12))\">\(escape(shown))</text>\n"
  }

  /// Two decimals, without a locale.
  private static func number(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
  }

  /// Text and attribute values of XML 1.0, which has no control characters.
  static func escape(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      case "\"": result += "&quot;"
      case _ where scalar.value < 0x20 || scalar.value == 0xfffe || scalar.value == 0xffff:
        result += "\u{fffd}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
