/// Makes paragraphs of a transcript: at pauses, where another person speaks, around gaps, and where one gets too long.
struct ParagraphBuilder {
    /// A pause this long begins a paragraph.
    private static let pause = 2 * SampleClock.rate
    /// From this length on a paragraph ends with its sentence, in characters.
    private static let longParagraph = 600
    /// From this length on it ends wherever a segment does.
    private static let maximumParagraph = 1500
    /// What stands where nothing was heard: an empty document looks like a fault.
    private static let noSpeech = "[no speech recognized]"

    private let transcript: Transcript
    private let speakers: SpeakerLabels
    private let times: TextTimes
    private let dividesWords: Bool
    private let hasSpeakers: Bool
    private var paragraphs: [Paragraph] = []
    private var current: Paragraph?
    /// Of the piece that was put last, not of the whole: see `JoinedText`.
    private var last: Character?
    /// Characters that were spoken in the current one.
    private var length = 0
    private var shownMinute: Int64 = -1
    private var chunk = 0

    /// - Parameter dividesWords: each word is a span of its own, with its time.
    static func paragraphs(
        of transcript: Transcript, _ speakers: SpeakerLabels, _ times: TextTimes, dividesWords: Bool = false
    ) -> [Paragraph] {
        var builder = ParagraphBuilder(transcript, speakers, times, dividesWords)
        return builder.build()
    }

    private init(_ transcript: Transcript, _ speakers: SpeakerLabels, _ times: TextTimes, _ dividesWords: Bool) {
        self.transcript = transcript
        self.speakers = speakers
        self.times = times
        self.dividesWords = dividesWords
        hasSpeakers = transcript.hasSpeakers
    }

    private mutating func build() -> [Paragraph] {
        var before: Segment?
        for part in transcript.parts {
            switch part {
            case .gap(let gap):
                end()
                remark(Sidecar.marker(of: gap), at: gap.range.start)
                before = nil
            case .segment(let segment):
                let beginsTurn = hasSpeakers && segment.beginsTurn(after: before)
                let isPause = before.map { segment.range.start - $0.range.end >= Self.pause } ?? false
                if beginsTurn || isPause { end() }
                add(segment, beginsTurn: beginsTurn)
                before = segment
            }
        }
        end()
        if paragraphs.isEmpty { remark(Self.noSpeech, at: 0) }
        return paragraphs
    }

    private mutating func end() {
        if let paragraph = current { paragraphs.append(paragraph) }
        (current, last, length) = (nil, nil, 0)
    }

    private mutating func remark(_ text: String, at start: Int64) {
        let span = Paragraph.Span(kind: .text, text: text, start: start)
        paragraphs.append(Paragraph(kind: .remark, spans: [span], start: start))
    }

    private mutating func add(_ segment: Segment, beginsTurn: Bool) {
        var beginsTurn = beginsTurn
        let language = language(at: segment.range.start)
        for sentence in TimedSentence.sentences(of: segment, needsTimes: times != .none, dividesWords: dividesWords) {
            let isOver = length >= Self.maximumParagraph || length >= Self.longParagraph && endsSentence
            if isOver { end() }
            if current == nil {
                current = Paragraph(
                    kind: .spoken, spans: [], start: sentence.start, language: language, speaker: segment.speaker)
                if times == .paragraph { append(.time, Self.mark(sentence.start), at: sentence.start) }
            }
            if times == .minute, sentence.start / (60 * SampleClock.rate) != shownMinute {
                shownMinute = sentence.start / (60 * SampleClock.rate)
                append(.time, Self.mark(sentence.start), at: sentence.start)
            }
            if hasSpeakers, length == 0, let lead = speakers.lead(of: segment.speaker, beginsTurn: beginsTurn) {
                append(.speaker, lead, at: sentence.start)
            }
            beginsTurn = false
            append(sentence)
            length += sentence.text.count + 1
        }
    }

    /// A closing quote may be a span of its own.
    private var endsSentence: Bool {
        (current?.spans.suffix(3).filter { $0.kind == .text }.map(\.text).joined() ?? "").endsSentence
    }

    private static func mark(_ time: Int64) -> String { "[\(TimeText.clock(time))]" }

    private mutating func append(_ sentence: TimedSentence) {
        guard dividesWords, !sentence.words.isEmpty else {
            return append(.text, sentence.text, at: sentence.start)
        }
        for (at, word) in sentence.words.enumerated() {
            let isSpaced = at == 0 ? nil : word.token.spaceBefore
            append(
                .text, word.token.text, at: word.token.range.start, isSpaced: isSpaced, confidence: word.confidence)
        }
    }

    /// - Parameter isSpaced: whether a space stands before it; nil: as its script has it.
    private mutating func append(
        _ kind: Paragraph.Span.Kind, _ text: String, at start: Int64, isSpaced: Bool? = nil, confidence: Double? = nil
    ) {
        guard var paragraph = current, let first = text.first else { return }
        current = nil  // so that its spans are not copied
        if let end = paragraph.spans.indices.last, let last {
            if isSpaced ?? JoinedText.areSpaced(last, first) { paragraph.spans[end].text += " " }
            if kind == .text, paragraph.spans[end].kind == .text, !dividesWords {
                paragraph.spans[end].text += text
            } else {
                paragraph.spans.append(.init(kind: kind, text: text, start: start, confidence: confidence))
            }
        } else {
            paragraph.spans.append(.init(kind: kind, text: text, start: start, confidence: confidence))
        }
        last = text.last
        current = paragraph
    }

    /// Of the chunk there, where that is not the transcript's. Times are asked for in their order.
    private mutating func language(at time: Int64) -> String? {
        let chunks = transcript.chunks
        while chunk + 1 < chunks.count, chunks[chunk + 1].range.start <= time { chunk += 1 }
        guard chunk < chunks.count, let heard = chunks[chunk].language.flatMap({ LanguageTag($0) }) else { return nil }
        let own = transcript.language.flatMap { LanguageTag($0) }
        return heard == own ? nil : heard.description
    }
}
