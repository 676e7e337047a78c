package import Transcription

/// What the recognizer process says of one piece of audio; times in samples from the piece's start.
package struct PieceHearing: Sendable, Hashable {
    /// A word or a part of one, as the model writes it: with a space in front where a word begins.
    package struct Token: Sendable, Hashable {
        package var text: String
        /// In samples from the chunk's start.
        package var start: Int64

        package init(text: String, start: Int64) {
            self.text = text
            self.start = start
        }
    }

    /// Text that was decoded at once.
    package struct Part: Sendable, Hashable {
        /// The samples that it was decoded from.
        package var range: SampleRange
        package var text: String
        /// Empty where the model tells no times.
        package var tokens: [Token]

        package init(range: SampleRange, text: String, tokens: [Token] = []) {
            self.range = range
            self.text = text
            self.tokens = tokens
        }
    }

    /// What was wrong with the model's answer, also when it was asked again.
    package enum Doubt: String, Sendable, Hashable, CaseIterable {
        /// More text than can be said in the time; it is left out.
        case runaway
        /// Nothing, though speech was heard.
        case nothing
        /// A sign for “unknown”; it is left out.
        case unknown
        /// Nothing, and memory was short.
        case memory
        /// A part of it, heard a second time, was another text.
        case disagreement
    }

    /// Where somebody speaks.
    package var speech: [SampleRange] = []
    package var parts: [Part] = []
    /// ISO 639-1 where the model tells one.
    package var language: String?
    package var doubts: [Doubt] = []
    /// How long somebody speaks, in samples.
    package var spokenSamples: Int64 { speech.reduce(0) { $0 + $1.count } }
    /// Of the process, resident; 0 where it cannot tell.
    package var memoryBytes: Int64 = 0

    package init() {}

    // MARK: On the way between two processes

    /// Lines of fields between tabs. The last line says that nothing is missing.
    package var encoded: [UInt8] {
        var lines: [String] = []
        for range in speech { lines.append("s\t\(range.start)\t\(range.end)") }
        for part in parts {
            lines.append("p\t\(part.range.start)\t\(part.range.end)\t\(Self.oneLine(part.text))")
            for token in part.tokens { lines.append("t\t\(token.start)\t\(Self.oneLine(token.text))") }
        }
        if let language { lines.append("l\t\(Self.oneLine(language))") }
        for doubt in doubts { lines.append("d\t\(doubt.rawValue)") }
        lines += ["m\t\(memoryBytes)", "."]
        return Array(lines.joined(separator: "\n").utf8)
    }

    /// Nil when the bytes are not what `encoded` makes, or times lie outside the piece.
    /// - Parameter sampleCount: of the piece.
    package init?(_ bytes: [UInt8], sampleCount: Int64) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.last == "." else { return nil }
        let bounds = 0...sampleCount
        for line in lines.dropLast() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            let numbers = fields.dropFirst().prefix(2).map { Int64($0) }
            func range() -> SampleRange? {
                guard numbers.count == 2, let start = numbers[0], let end = numbers[1], start <= end,
                    bounds.contains(start), bounds.contains(end)
                else { return nil }
                return SampleRange(start, end)
            }
            switch (fields[0], fields.count) {
            case ("s", 3):
                guard let range = range() else { return nil }
                speech.append(range)
            case ("p", 4):
                guard let range = range() else { return nil }
                parts.append(Part(range: range, text: String(fields[3])))
            case ("t", 3):
                guard let start = numbers[0], bounds.contains(start), !parts.isEmpty else { return nil }
                parts[parts.count - 1].tokens.append(Token(text: String(fields[2]), start: start))
            case ("l", 2): language = String(fields[1])
            case ("d", 2):
                guard let doubt = Doubt(rawValue: String(fields[1])) else { return nil }
                doubts.append(doubt)
            case ("m", 2):
                guard let bytes = numbers[0] else { return nil }
                memoryBytes = bytes
            default: return nil
            }
        }
    }

    private static func oneLine(_ text: String) -> String {
        String(text.map { $0 == "\t" || $0.isNewline ? " " : $0 })
    }
}
