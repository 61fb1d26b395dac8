internal import Synchronization

/// Numbers that only grow, or that are what they are now, in Prometheus' text exposition format 0.0.4.
package final class MetricsRegistry: Sendable {
  package enum Kind: String, Sendable {
    case counter, gauge
  }

  private struct Family: Sendable {
    let name: String
    let kind: Kind
    let help: String
    let samples: @Sendable () -> [(labels: String, value: Double)]
  }
  private let families = Mutex<[Family]>([])

  package init() {}

  /// A counter without labels.
  package func counter(_ name: String, _ help: String) -> Counter {
    let counter = Counter()
    add(name, .counter, help) { [("", Double(counter.value))] }
    return counter
  }

  /// A counter with one label, whose values are few.
  package func counter(_ name: String, label: String, _ help: String) -> LabelledCounter {
    let counter = LabelledCounter()
    add(name, .counter, help) {
      counter.values.map { ("{\(label)=\"\(Self.escape($0.label))\"}", Double($0.value)) }
    }
    return counter
  }

  /// A number that is asked for whenever somebody reads the metrics.
  package func gauge(_ name: String, _ help: String, value: @escaping @Sendable () -> Double) {
    add(name, .gauge, help) { [("", value())] }
  }

  /// Numbers that are asked for whenever somebody reads the metrics, one for each value of a label.
  package func gauge(
    _ name: String, label: String, _ help: String,
    values: @escaping @Sendable () -> [(label: String, value: Double)]
  ) {
    add(name, .gauge, help) { values().map { ("{\(label)=\"\(Self.escape($0.label))\"}", $0.value) } }
  }

  private func add(
    _ name: String, _ kind: Kind, _ help: String,
    samples: @escaping @Sendable () -> [(labels: String, value: Double)]
  ) {
    families.withLock { $0.append(Family(name: name, kind: kind, help: help, samples: samples)) }
  }

  /// The text, families sorted by name.
  package func exposition() -> String {
    var text = ""
    for family in families.withLock(\.self).sorted(by: { $0.name < $1.name }) {
      text += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.kind.rawValue)\n"
      for sample in family.samples() {
        text += "\(family.name)\(sample.labels) \(Self.number(sample.value))\n"
      }
    }
    return text
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
  }

  /// A label's value: backslash, quote and line feed are escaped.
  private static func escape(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}

/// A number that only grows.
package final class Counter: Sendable {
  private let number = Atomic<Int>(0)

  package func increment(by amount: Int = 1) { number.wrappingAdd(amount, ordering: .relaxed) }

  package var value: Int { number.load(ordering: .relaxed) }
}

/// Numbers that only grow, one for each value of a label.
package final class LabelledCounter: Sendable {
  private let numbers = Mutex<[String: Int]>([:])

  package func increment(_ label: String, by amount: Int = 1) {
    numbers.withLock { $0[label, default: 0] += amount }
  }

  package func increment(_ label: Int) { increment(String(label)) }

  /// Sorted by label.
  package var values: [(label: String, value: Int)] {
    numbers.withLock { numbers in numbers.map { ($0.key, $0.value) } }.sorted { $0.0 < $1.0 }
  }
}
