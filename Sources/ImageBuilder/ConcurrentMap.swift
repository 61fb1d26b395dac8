/// Maps on all cores, and keeps the order. At most `limit` results are under way at once, which bounds memory.
package func concurrentMap<Input: Sendable, Output: Sendable>(
  _ inputs: [Input], limit: Int = 8, _ transform: @escaping @Sendable (Input) async throws -> Output
) async throws -> [Output] {
  try await withThrowingTaskGroup(of: (Int, Output).self) { group in
    var results = [Output?](repeating: nil, count: inputs.count)
    var next = 0
    func startOne() {
      guard next < inputs.count else { return }
      let number = next
      let input = inputs[number]
      next += 1
      group.addTask { (number, try await transform(input)) }
    }
    for _ in 0..<limit { startOne() }
    while let (number, output) = try await group.next() {
      results[number] = output
      startOne()
    }
    return results.compactMap(\.self)
  }
}
