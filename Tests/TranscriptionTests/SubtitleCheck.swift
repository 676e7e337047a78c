import Transcription

/// What was said, as the checker of subtitles knows it, without asking the program: pieces of text that no line may part,
/// with their times where the engine told them.
struct SpokenText {
    struct Piece {
        var scalars: [Unicode.Scalar]
        var spaceBefore: Bool
        var segment: Int
        /// Milliseconds; of the whole segment where words have no times.
        var start: Int64
        /// Milliseconds; nil where words have no times.
        var end: Int64?

        var text: String {
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            return String(text)
        }
    }

    var pieces: [Piece] = []

    /// Cuts `text`, in which bars and spaces part pieces.
    static func pieces(of text: String) -> [(text: String, spaceBefore: Bool)] {
        var out: [(text: String, spaceBefore: Bool)] = []
        for (number, part) in text.split(separator: " ").enumerated() {
            for (at, piece) in part.split(separator: "|").enumerated() {
                out.append((String(piece), number > 0 && at == 0))
            }
        }
        return out
    }
}

/// The published limits of a language, once more and apart from the program's.
struct PublishedLimits {
    var columns = 42
    var rate = 17.0
    var countsFullWidth = false

    init(_ language: String) {
        if ["zh", "ja", "ko"].contains(language) { countsFullWidth = true }
        columns = ["th": 35, "ja": 23, "zh": 16, "ko": 16][language] ?? 42
        rate = ["en": 20, "ar": 20, "hi": 22, "ko": 12, "zh": 9, "ja": 4][language] ?? 17
    }

    /// As a reader counts.
    func columns(_ text: String) -> Int {
        text.reduce(0) { sum, character in
            let scalars = Array(character.unicodeScalars)
            let first = scalars[0].value
            let isFull =
                (0x2E80...0xA4CF).contains(first) || (0xAC00...0xD7A3).contains(first)
                || (0xFF01...0xFF60).contains(first) || first >= 0x1F1E6
            if isFull { return sum + (countsFullWidth ? 1 : 2) }
            let seen = scalars.filter { scalar in
                let category = scalar.properties.generalCategory
                return category != .nonspacingMark && category != .enclosingMark && category != .format
            }
            return sum + max(1, seen.count)
        }
    }
}

/// Finds what is wrong with subtitles. Knows nothing of how they are made.
struct SubtitleCheck {
    let spoken: SpokenText
    let limits: PublishedLimits
    let language: String

    private static let articles: [String: Set<String>] = [
        "en": ["a", "an", "the"],
        "de": ["der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer"],
        "fr": ["le", "la", "les", "un", "une", "des", "du", "de", "au"],
        "es": ["el", "la", "los", "las", "un", "una", "del", "al"],
        "it": ["il", "lo", "la", "i", "gli", "le", "un", "una", "del", "al"],
        "pt": ["o", "a", "os", "as", "um", "uma", "do", "da"],
        "nl": ["de", "het", "een"], "ru": ["в", "к", "с", "о", "у"],
    ]
    private static let closing = Set(",.;:!?…。、，；：！？）」』»”)]}។။၊ๆ،؛؟".unicodeScalars)
    private static let opening = Set("（「『«“([{¿¡„".unicodeScalars)

    /// A line with where it ends in the text.
    private struct Line {
        var text: String
        /// The piece after the line's last one.
        var end: Int
        var endsCue: Bool
    }

    func faults(of cues: [Cue]) -> [String] {
        var faults: [String] = []
        for (at, cue) in cues.enumerated() {
            let next = at + 1 < cues.count ? cues[at + 1].start : nil
            faults += (shape(of: cue) + timing(of: cue, next: next)).map { "cue \(at + 1), \(cue.lines): \($0)" }
        }
        return faults + parting(of: cues)
    }

    private func shape(of cue: Cue) -> [String] {
        var faults: [String] = []
        if !(1...2).contains(cue.lines.count) { faults.append("\(cue.lines.count) lines") }
        for line in cue.lines {
            if limits.columns(line) > limits.columns { faults.append("\(limits.columns(line)) columns") }
            if line.isEmpty || line.first == " " || line.last == " " { faults.append("white space") }
            if let first = line.unicodeScalars.first, Self.closing.contains(first) {
                faults.append("begins with \(first)")
            }
            if let last = line.unicodeScalars.last, Self.opening.contains(last) { faults.append("ends with \(last)") }
        }
        if cue.lines.count == 2, limits.columns(cue.lines.joined(separator: " ")) <= limits.columns {
            faults.append("would fit one line")
        }
        return faults
    }

    private func timing(of cue: Cue, next: Int64?) -> [String] {
        var faults: [String] = []
        let length = cue.end - cue.start
        if cue.start < 0 || length <= 0 { faults.append("no time") }
        if length > 7000 { faults.append("\(length) ms") }
        let columns = cue.lines.reduce(0) { $0 + limits.columns($1) }
        let isFast = Double(columns) * 1000 / Double(max(1, length)) > limits.rate
        guard let next else {
            if length < 833 { faults.append("\(length) ms at the end") }
            return faults
        }
        if next <= cue.end { faults.append("meets the next cue") }
        if next - cue.end < 83, length > 833 { faults.append("\(next - cue.end) ms to the next cue") }
        if length < 833, next - cue.end > 1 { faults.append("\(length) ms though there is room") }
        if isFast, length < 7000, next - cue.end > 84 { faults.append("read faster than there is room for") }
        return faults
    }

    /// Nothing is lost, nothing is added, nothing is parted that belongs together, and each cue is there when it is heard.
    private func parting(of cues: [Cue]) -> [String] {
        var faults: [String] = []
        var piece = 0
        var used = 0
        for cue in cues {
            var first: Int?
            for (at, line) in cue.lines.enumerated() {
                for scalar in line.unicodeScalars where scalar != " " {
                    guard piece < spoken.pieces.count, spoken.pieces[piece].scalars[used] == scalar else {
                        return faults + ["\(cue.lines) is not what was said"]
                    }
                    first = first ?? piece
                    used += 1
                    if used == spoken.pieces[piece].scalars.count { (piece, used) = (piece + 1, 0) }
                }
                if used > 0, limits.columns(spoken.pieces[piece].text) <= limits.columns {
                    faults.append("\(line) | \(spoken.pieces[piece].text): inside a word")
                }
                if used == 0, let fault = parted(before: piece) { faults.append("\(line) |: \(fault)") }
                if at == cue.lines.count - 1, let first {
                    faults += presence(of: cue, first, used > 0 ? piece : piece - 1)
                }
            }
        }
        if piece < spoken.pieces.count { faults.append("\(spoken.pieces[piece].text) and what follows is missing") }
        return faults
    }

    /// Why a line must not end before a piece.
    private func parted(before at: Int) -> String? {
        guard at > 0, at < spoken.pieces.count else { return nil }
        let (last, next) = (spoken.pieces[at - 1], spoken.pieces[at])
        guard last.segment == next.segment, next.start - (last.end ?? next.start) <= 500 else { return nil }
        if Self.articles[language]?.contains(last.text.lowercased()) == true { return "ends with an article" }
        if last.text.allSatisfy(\.isNumber), next.text == "km" { return "a number without its unit" }
        if last.text == "Mr." || next.text == "?" || next.text == "!" { return "parts \(last.text) and \(next.text)" }
        return nil
    }

    private func presence(of cue: Cue, _ first: Int, _ last: Int) -> [String] {
        var faults: [String] = []
        // Starts that fall together are moved apart by 2 ms.
        if cue.start < spoken.pieces[first].start - 1 { faults.append("\(cue.lines) begins before it is said") }
        let word = (first...last).last { spoken.pieces[$0].scalars.contains { $0.properties.isAlphabetic } } ?? last
        if let end = spoken.pieces[word].end, cue.end < min(end - 84, cue.start + 6999) {
            faults.append("\(cue.lines) ends while it is said, at \(cue.end) instead of \(end)")
        }
        return faults
    }
}
