/// A stretch of a transcript that people read as one, in the pieces that documents show in different ways.
struct Paragraph {
    enum Kind {
        case spoken
        /// A gap's marker, or that nothing was heard.
        case remark
    }

    struct Span: Equatable {
        enum Kind { case time, speaker, text }

        var kind: Kind
        /// With the space that follows it, where one does.
        var text: String
        /// In samples, of a word where words were asked for.
        var start: Int64
        /// Of such a word, 0...1, if known.
        var confidence: Double?
    }

    var kind: Kind
    var spans: [Span]
    /// In samples.
    var start: Int64
    /// Where it is another one than the transcript's; as a `LanguageTag`.
    var language: String?
    /// Who speaks, whether it is written or not.
    var speaker: String?

    /// All in one line.
    var text: String { spans.map(\.text).joined() }
    /// Without times and speakers.
    var spokenText: String { spans.lazy.filter { $0.kind == .text }.map(\.text).joined() }
    var isRightToLeft: Bool { WritingDirection.isRightToLeft(spokenText) }
}

/// Which way a text is written.
enum WritingDirection {
    /// Most of its letters are of a script that is written from the right.
    static func isRightToLeft(_ text: String) -> Bool {
        var balance = 0
        for scalar in text.unicodeScalars where scalar.properties.isAlphabetic {
            balance += isRightToLeft(scalar) ? 1 : -1
        }
        return balance > 0
    }

    /// The blocks that Unicode sets aside for such scripts (DerivedBidiClass: R and AL).
    private static func isRightToLeft(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0590...0x08FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFF, 0x10800...0x10FFF, 0x1E800...0x1EFFF: true
        default: false
        }
    }
}
