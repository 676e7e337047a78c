/// Numbers of things for people.
package enum CountedText {
    /// `1 request`, `2 requests`, `0 requests`.
    /// - Parameter many: nil: `one` with an s.
    package static func text(_ count: some BinaryInteger, _ one: String, _ many: String? = nil) -> String {
        "\(count) \(count == 1 ? one : many ?? one + "s")"
    }
}
