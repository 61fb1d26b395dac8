extension ValueType {
  /// A sequence; each item remembers its place.
  static func list<Item>(of item: ValueType<Item>, allowsEmpty: Bool = true) -> ValueType<[Located<Item>]> {
    ValueType<[Located<Item>]>(.list(item.shape, isEmptyAllowed: allowsEmpty)) { node, context in
      guard case .sequence(let nodes) = node.content else {
        context.reportType("a sequence", node)
        return nil
      }
      if nodes.isEmpty, !allowsEmpty {
        context.report(
          .badValue, at: node.location, "\(context.key) takes at least one item",
          suggestion: "add one or remove the key")
      }
      return nodes.compactMap { node in
        item.decode(node, &context).map {
          Located<Item>($0, origin: context.origin, location: node.location)
        }
      }
    }
  }

  /// A sequence whose items' places do not matter.
  static func values<Item>(of item: ValueType<Item>, allowsEmpty: Bool = true) -> ValueType<[Item]> {
    ValueType<[Located<Item>]>.list(of: item, allowsEmpty: allowsEmpty).map { items, _, _ in
      items.map(\.value)
    }
  }

  /// A mapping whose keys are data; each entry remembers the place of its key.
  static func map<Item>(
    key format: TextFormat, value: ValueType<Item>
  ) -> ValueType<[Located<(key: String, value: Item)>]> {
    ValueType<[Located<(key: String, value: Item)>]>(.map(key: format, value: value.shape)) { node, context in
      guard case .mapping(let entries) = node.content else {
        context.reportType("a mapping", node)
        return nil
      }
      let outerKey = context.key
      defer { context.key = outerKey }
      return entries.compactMap { entry in
        guard format.accepts(entry.key) else {
          context.report(
            .badValue, at: entry.keyLocation, "\"\(entry.key.prefix(80))\" is not \(format.label)",
            suggestion: "use \(format.rule)")
          return nil
        }
        context.key = entry.key
        return value.decode(entry.value, &context).map {
          Located((key: entry.key, value: $0), origin: context.origin, location: entry.keyLocation)
        }
      }
    }
  }
}
