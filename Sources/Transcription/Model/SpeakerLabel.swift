/// What an engine calls a person whose voice it tells from others: `A`, `SPEAKER_00`, `0`, `Anna`.
///
/// In a `ChunkTranscript` labels are the engine's own, which begin anew in each chunk; in a `Transcript` each is one
/// person's (`SpeakerNames`).
package enum SpeakerLabel {
    /// A longer one is cut, in code points.
    package static let maximumLength = 40
    /// No more of it is looked at, in bytes.
    private static let maximumBytes = 1024

    /// In one line, without what turns the reading direction round; nil where nothing is to be seen of it.
    package static func cleaned(_ text: String) -> String? {
        let beginning = String(decoding: text.utf8.prefix(maximumBytes), as: UTF8.self)
        var scalars = beginning.unicodeScalars
        // Of a character that was cut in the middle.
        if text.utf8.count > maximumBytes, scalars.last == "\u{FFFD}" { scalars.removeLast() }
        scalars.removeAll { $0.properties.isBidiControl }
        var label = WrittenText.clean(String(scalars))
        if label.unicodeScalars.count > maximumLength {
            let beginning = label.unicodeScalars.prefix(maximumLength - 1)
            label = WrittenText.clean(String(String.UnicodeScalarView(beginning))) + "…"
        }
        return WrittenText.isVisible(label) ? label : nil
    }

    /// What stands where it is not known who speaks among others who have labels.
    static let unknown = "?"
}

extension Sequence<Segment> {
    /// The labels of segments and words, each once, in the order in which they are heard.
    package var speakers: [String] {
        var seen: Set<String> = []
        var speakers: [String] = []
        for segment in self {
            for label in [segment.speaker].compactMap({ $0 }) + segment.words.compactMap(\.speaker)
            where seen.insert(label).inserted {
                speakers.append(label)
            }
        }
        return speakers
    }
}

extension Segment {
    mutating func renameSpeakers(_ name: (String) -> String?) {
        speaker = speaker.flatMap(name)
        for at in words.indices { words[at].speaker = words[at].speaker.flatMap(name) }
    }
}
