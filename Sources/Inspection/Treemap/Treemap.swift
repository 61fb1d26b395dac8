/// Rectangles whose areas are as their weights, as near to squares as can be: the squarified treemap of Bruls, Huizing
/// and van Wijk (2000).
package enum Treemap {
  /// A place on the drawing, in its units.
  package struct Rectangle: Equatable, Sendable {
    package var x: Double
    package var y: Double
    package var width: Double
    package var height: Double

    package init(x: Double, y: Double, width: Double, height: Double) {
      self.x = x
      self.y = y
      self.width = width
      self.height = height
    }
  }

  /// One rectangle a weight, in their order; the weights must come sorted, the largest first, and greater than 0.
  package static func layout(_ weights: [Double], in frame: Rectangle) -> [Rectangle] {
    let total = weights.reduce(0, +)
    guard total > 0, frame.width > 0, frame.height > 0 else {
      return weights.map { _ in Rectangle(x: frame.x, y: frame.y, width: 0, height: 0) }
    }
    let scale = frame.width * frame.height / total
    let areas = weights.map { $0 * scale }
    var result: [Rectangle] = []
    var rest = frame
    var start = 0
    while start < areas.count {
      let side = min(rest.width, rest.height)
      var end = start + 1
      var sum = areas[start]
      // A row grows for as long as its worst rectangle does not get worse.
      while end < areas.count,
        worst(areas[start], areas[end], sum + areas[end], side)
          <= worst(areas[start], areas[end - 1], sum, side)
      {
        sum += areas[end]
        end += 1
      }
      place(areas[start..<end], sum, &rest, &result)
      start = end
    }
    return result
  }

  /// The largest ratio of sides in a row of that sum along that side.
  private static func worst(_ largest: Double, _ smallest: Double, _ sum: Double, _ side: Double) -> Double {
    guard smallest > 0, sum > 0, side > 0 else { return .infinity }
    return max(side * side * largest / (sum * sum), sum * sum / (side * side * smallest))
  }

  private static func place(
    _ areas: ArraySlice<Double>, _ sum: Double, _ rest: inout Rectangle, _ result: inout [Rectangle]
  ) {
    let isColumn = rest.width >= rest.height
    let side = isColumn ? rest.height : rest.width
    let thickness = side > 0 ? sum / side : 0
    var offset = 0.0
    for area in areas {
      let length = thickness > 0 ? area / thickness : 0
      result.append(
        isColumn
          ? Rectangle(x: rest.x, y: rest.y + offset, width: thickness, height: length)
          : Rectangle(x: rest.x + offset, y: rest.y, width: length, height: thickness))
      offset += length
    }
    if isColumn {
      rest.x += thickness
      rest.width = max(0, rest.width - thickness)
    } else {
      rest.y += thickness
      rest.height = max(0, rest.height - thickness)
    }
  }
}
