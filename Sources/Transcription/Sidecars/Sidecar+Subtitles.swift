extension Sidecar {
    /// SubRip: numbered from 1, times with a comma, a blank line after each cue.
    static func subRip(_ cues: [Cue]) -> String {
        var out = ""
        for (index, cue) in cues.enumerated() {
            out += "\(index + 1)\n\(times(of: cue, separator: ","))\n"
            for line in cue.lines { out += untagged(line) + "\n" }
            out += "\n"
        }
        return out
    }

    /// WebVTT with `&`, `<` and `>` escaped, as the W3C text requires.
    /// - Parameter hasVoices: each cue says who speaks, in the way of the format.
    static func webVTT(_ cues: [Cue], hasVoices: Bool) -> String {
        var out = "WEBVTT\n\n"
        for cue in cues {
            out += times(of: cue, separator: ".") + "\n"
            if hasVoices, let speaker = cue.speaker { out += "<v \(escaped(speaker))>" }
            for line in cue.lines { out += escaped(line) + "\n" }
            out += "\n"
        }
        return out
    }

    /// Whisper's table: start and end in milliseconds, text; a gap has its marker as text. The speaker comes last, so that
    /// readers find the others where they look for them.
    static func tabSeparated(_ transcript: Transcript, _ speakers: SpeakerLabels) -> String {
        let hasSpeakers = speakers != .never && transcript.hasSpeakers
        var out = "start\tend\ttext" + (hasSpeakers ? "\tspeaker\n" : "\n")
        for part in transcript.parts {
            let (range, text, speaker) =
                switch part {
                case .segment(let segment): (segment.range, WrittenText.clean(segment.text), segment.speaker)
                case .gap(let gap): (gap.range, marker(of: gap), nil)
                }
            out += "\(SampleClock.milliseconds(range.start))\t\(SampleClock.milliseconds(range.end))\t\(text)"
            out += hasSpeakers ? "\t\(speaker ?? "")\n" : "\n"
        }
        return out
    }

    private static func times(of cue: Cue, separator: Character) -> String {
        let start = TimeText.stamp(milliseconds: cue.start, separator: separator)
        return "\(start) --> \(TimeText.stamp(milliseconds: cue.end, separator: separator))"
    }

    private static func escaped(_ line: String) -> String {
        var out = ""
        for scalar in line.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// SubRip has no escapes, and players take `<x` for a tag and `{\` for an override: they become a look-alike.
    private static func untagged(_ line: String) -> String {
        var out = ""
        var before: Character?
        for character in line {
            if before == "<", character.isLetter || character == "/" || character == "!" {
                out.removeLast()
                out += "‹"
            }
            if before == "{", character == "\\" {
                out.removeLast()
                out += "("
            }
            out.append(character)
            before = character
        }
        return out
    }
}
