import Transcription

/// WebVTT and SubRip, as servers send them when they answer in the wrong format.
enum SubtitleReader {
    /// The text before any cue's time line is looked at no further than this.
    private static let maximumTimeLine = 200

    /// The cues of `text`; empty when there is none.
    static func pieces(_ text: String) -> [RawTranscript.Piece] {
        var pieces: [RawTranscript.Piece] = []
        var lines: [Substring] = []
        var times: (start: Double, end: Double)?
        func finish() {
            guard let times else { return }
            var piece = RawTranscript.Piece(
                start: times.start, end: times.end, text: lines.map(withoutTags).joinedAsText())
            piece.speaker = lines.first.flatMap(voice)
            pieces.append(piece)
        }
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            if let found = timeLine(line) {
                finish()
                (times, lines) = (found, [])
            } else if line.allSatisfy(\.isWhitespace) {
                finish()
                (times, lines) = (nil, [])
            } else if times != nil {
                lines.append(line)
            }
        }
        finish()
        return pieces
    }

    /// A number line followed by a time line, as SubRip begins.
    static func looksLikeSubRip(_ text: Substring) -> Bool {
        let lines = text.prefix(maximumTimeLine).split(whereSeparator: \.isNewline)
        return lines.count >= 2 && lines[0].allSatisfy { $0.isNumber || $0.isWhitespace } && timeLine(lines[1]) != nil
    }

    private static func timeLine(_ line: Substring) -> (start: Double, end: Double)? {
        guard line.utf8.count <= maximumTimeLine, let arrow = line.firstRange(of: "-->"),
            let start = seconds(line[..<arrow.lowerBound]),
            let end = seconds(line[arrow.upperBound...].drop(while: \.isWhitespace).prefix { !$0.isWhitespace })
        else { return nil }
        return (start, end)
    }

    /// `[[HH:]MM:]SS[.,]mmm`.
    static func seconds(_ text: Substring) -> Double? {
        var total = 0.0
        let parts = text.trimmed.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...3).contains(parts.count) else { return nil }
        for part in parts {
            let number = part.map { $0 == "," ? "." : String($0) }.joined()
            guard let value = Double(decimal: number), value.isFinite, value >= 0 else { return nil }
            total = total * 60 + value
        }
        return total
    }

    /// `Anna` of `<v.loud Anna>`.
    private static func voice(_ line: Substring) -> String? {
        guard line.hasPrefix("<v"), let close = line.firstIndex(of: ">"),
            let space = line[..<close].firstIndex(where: \.isWhitespace),
            line.dropFirst(2).first.map({ $0 == "." || $0.isWhitespace }) == true
        else { return nil }
        let name = String(line[space..<close]).replacing("&lt;", with: "<").replacing("&gt;", with: ">")
            .replacing("&amp;", with: "&")
        return SpeakerLabel.cleaned(name.withoutControls)
    }

    /// Without `<v Speaker>` and the like.
    private static func withoutTags(_ line: Substring) -> String {
        var out = ""
        var isInTag = false
        for character in line {
            switch character {
            case "<": isInTag = true
            case ">" where isInTag: isInTag = false
            default: if !isInTag { out.append(character) }
            }
        }
        return out
    }
}
