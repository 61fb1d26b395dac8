import Inspection
import Testing

@Suite("treemaps")
struct TreemapTests {
  private let frame = Treemap.Rectangle(x: 3, y: 5, width: 600, height: 400)

  @Test("the example of the paper: 6 6 4 3 2 2 1 in 6 by 4")
  func paper() {
    let places = Treemap.layout(
      [6, 6, 4, 3, 2, 2, 1], in: Treemap.Rectangle(x: 0, y: 0, width: 6, height: 4))
    // Figure 4: two of six on the left, one above the other, 3 wide and 2 high.
    #expect(places[0] == Treemap.Rectangle(x: 0, y: 0, width: 3, height: 2))
    #expect(places[1] == Treemap.Rectangle(x: 0, y: 2, width: 3, height: 2))
    // Then 4 and 3 side by side on top of the rest.
    #expect(abs(places[2].width - 12.0 / 7) < 1e-9 && abs(places[2].height - 7.0 / 3) < 1e-9)
  }

  @Test("areas are as the weights, nothing overlaps, nothing sticks out")
  func invariants() {
    let weights = (1...200).map { 1000.0 / Double($0) }
    let places = Treemap.layout(weights, in: frame)
    let total = weights.reduce(0, +)
    for (weight, place) in zip(weights, places) {
      let area = place.width * place.height
      #expect(abs(area - weight / total * 240_000) < 1e-6)
      #expect(place.x >= 3 - 1e-9 && place.y >= 5 - 1e-9)
      #expect(place.x + place.width <= 603 + 1e-6 && place.y + place.height <= 405 + 1e-6)
    }
    for (number, one) in places.enumerated() {
      for other in places[(number + 1)...] {
        let isApart =
          one.x + one.width <= other.x + 1e-6 || other.x + other.width <= one.x + 1e-6
          || one.y + one.height <= other.y + 1e-6 || other.y + other.height <= one.y + 1e-6
        #expect(isApart)
      }
    }
  }

  @Test("rectangles stay near to squares")
  func aspect() {
    let places = Treemap.layout([Double](repeating: 1, count: 50), in: frame)
    #expect(places.allSatisfy { max($0.width / $0.height, $0.height / $0.width) < 2 })
  }

  @Test("no weights, no room")
  func degenerate() {
    #expect(Treemap.layout([], in: frame).isEmpty)
    let flat = Treemap.layout([2, 1], in: Treemap.Rectangle(x: 1, y: 1, width: 0, height: 9))
    #expect(flat.count == 2 && flat.allSatisfy { $0.width == 0 })
  }
}
