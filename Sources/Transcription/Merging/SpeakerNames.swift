/// Names the speakers of one recording's answers: the same label of two answers is not the same person, since engines begin
/// to count anew in each.
struct SpeakerNames {
    /// Nobody tells more voices from one another; an engine that does labels something else.
    static let maximumInAnswer = 64

    private var taken: Set<String> = []
    /// How often each label was taken by then, and bare numbers all together.
    private var counts: [String: Int] = [:]
    private static let number = "Speaker"

    /// Tells the speakers of another answer from those before: `A` becomes `A (2)`.
    /// - Parameter forPeople: bare numbers become `Speaker 1` and so on, in the order in which they are heard.
    mutating func distinguish(_ segments: inout [Segment], forPeople: Bool) {
        var names: [String: String] = [:]
        for label in segments.speakers { names[label] = forPeople && Self.isNumber(label) ? numbered() : unique(label) }
        guard !names.isEmpty else { return }
        for at in segments.indices { segments[at].renameSpeakers { names[$0] } }
    }

    /// `0`, and `0 (2)` of an answer that was put together.
    private static func isNumber(_ label: String) -> Bool {
        label.utf8.allSatisfy { (0x30...0x39).contains($0) || " ()".utf8.contains($0) }
    }

    private mutating func unique(_ label: String) -> String {
        if taken.insert(label).inserted { return label }
        return next(of: label) { "\(label) (\($0 + 1))" }
    }

    private mutating func numbered() -> String { next(of: Self.number) { "\(Self.number) \($0)" } }

    private mutating func next(of label: String, _ name: (Int) -> String) -> String {
        var count = counts[label, default: 0]
        var next: String
        repeat {
            count += 1
            next = name(count)
        } while !taken.insert(next).inserted
        counts[label] = count
        return next
    }
}
