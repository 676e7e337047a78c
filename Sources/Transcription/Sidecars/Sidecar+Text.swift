extension Sidecar {
    /// A pause this long begins a paragraph.
    private static let paragraphPause = 2 * SampleClock.rate
    /// From this length on a paragraph ends with its sentence, in characters.
    private static let longParagraph = 600
    /// From this length on it ends wherever a segment does.
    private static let maximumParagraph = 1500

    /// What stands where nothing was heard: an empty file looks like a fault.
    static let noSpeech = "[no speech recognized]"

    /// Paragraphs as one line each with a blank line between.
    static func plainText(_ transcript: Transcript, _ speakers: SpeakerLabels) -> String {
        let hasSpeakers = transcript.hasSpeakers
        var paragraphs: [String] = []
        var current = JoinedText()
        var length = 0
        var before: Segment?
        var beginsTurn = false
        func flush() {
            if !current.text.isEmpty { paragraphs.append(current.text) }
            current = JoinedText()
            length = 0
        }
        for part in transcript.parts {
            switch part {
            case .gap(let gap):
                flush()
                paragraphs.append(marker(of: gap))
                before = nil
            case .segment(let segment):
                beginsTurn = hasSpeakers && segment.beginsTurn(after: before)
                if beginsTurn || before.map({ segment.range.start - $0.range.end >= paragraphPause }) == true {
                    flush()
                }
                for sentence in sentences(in: WrittenText.clean(segment.text)) {
                    let isOver =
                        length >= maximumParagraph
                        || length >= longParagraph && current.text.endsSentence
                    if isOver { flush() }
                    if hasSpeakers, length == 0,
                        let lead = speakers.lead(of: segment.speaker, beginsTurn: beginsTurn)
                    {
                        current.append(lead)
                    }
                    beginsTurn = false
                    current.append(sentence)
                    length += sentence.count + 1
                }
                before = segment
            }
        }
        flush()
        if paragraphs.isEmpty { paragraphs = [noSpeech] }
        return paragraphs.joined(separator: "\n\n") + "\n"
    }

    /// A short segment whole, a long one (of an engine without times) sentence by sentence.
    private static func sentences(in text: String) -> [Substring] {
        guard text.utf8.count > 400 else { return [text[...]] }
        var sentences: [Substring] = []
        var start = text.startIndex
        for index in text.indices where index > start {
            let isSeam = text[index] == " " || text[index].isUnspaced
            guard isSeam, !text[index].isPunctuation, text[start..<index].utf8.count > 1,
                WrittenText.ending(of: text[start..<index]) == .sentence
            else { continue }
            sentences.append(text[start..<index])
            start = text[index] == " " ? text.index(after: index) : index
        }
        if start < text.endIndex { sentences.append(text[start...]) }
        return sentences
    }
}
