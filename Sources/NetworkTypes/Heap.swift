/// A binary heap: the least element first.
package struct Heap<Element: Comparable & Sendable>: Sendable {
  private var elements: [Element] = []

  package init() {}

  package init(_ elements: [Element]) {
    // A sorted array is a heap.
    self.elements = elements.sorted()
  }

  package var count: Int { elements.count }
  /// The least element.
  package var first: Element? { elements.first }

  package mutating func insert(_ element: Element) {
    elements.append(element)
    var index = elements.count - 1
    while index > 0, elements[index] < elements[(index - 1) / 2] {
      elements.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  /// Removes the least element, if there is one.
  package mutating func removeFirst() {
    guard let last = elements.popLast(), !elements.isEmpty else { return }
    elements[0] = last
    var index = 0
    while true {
      let left = 2 * index + 1
      var least = index
      for child in left..<min(left + 2, max(left, elements.count)) where elements[child] < elements[least] {
        least = child
      }
      if least == index { return }
      elements.swapAt(index, least)
      index = least
    }
  }
}
