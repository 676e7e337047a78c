/// A word with its place in time.
package struct Word: Hashable, Sendable, Codable {
    /// In samples: from the chunk's start in a `ChunkTranscript`, from the recording's in a `Transcript`.
    package var range: SampleRange
    package var text: String
    /// Probability 0...1 if the engine tells one.
    package var confidence: Double?
    /// A `SpeakerLabel`, where the engine tells voices apart.
    package var speaker: String?

    package init(range: SampleRange, text: String, confidence: Double? = nil, speaker: String? = nil) {
        self.range = range
        self.text = text
        self.confidence = confidence
        self.speaker = speaker
    }
}

/// Text with its place in time, as an engine gives it.
package struct Segment: Hashable, Sendable, Codable {
    /// In samples: from the chunk's start in a `ChunkTranscript`, from the recording's in a `Transcript`.
    package var range: SampleRange
    /// Without white space at its ends.
    package var text: String
    /// Empty where the engine tells no word times.
    package var words: [Word]
    /// Mean probability 0...1 if known.
    package var confidence: Double?
    /// As OpenAI defines them; nil where the server sends none.
    package var averageLogProbability: Double?
    package var noSpeechProbability: Double?
    package var compressionRatio: Double?
    /// A `SpeakerLabel`, where the engine tells voices apart. In a `Transcript` all words that have one have this one.
    package var speaker: String?

    package init(
        range: SampleRange, text: String, words: [Word] = [], confidence: Double? = nil,
        averageLogProbability: Double? = nil, noSpeechProbability: Double? = nil, compressionRatio: Double? = nil,
        speaker: String? = nil
    ) {
        self.range = range
        self.text = text
        self.words = words
        self.confidence = confidence
        self.averageLogProbability = averageLogProbability
        self.noSpeechProbability = noSpeechProbability
        self.compressionRatio = compressionRatio
        self.speaker = speaker
    }
}

/// What an engine heard in one chunk. Times count from the chunk's first sample.
package struct ChunkTranscript: Hashable, Sendable, Codable {
    /// ISO 639-1 where the engine tells one.
    package var language: String?
    package var segments: [Segment]
    /// True when the engine gave text only and the times are our estimate.
    package var timesAreEstimated: Bool
    /// Sentences for people about this chunk; they go into `.json`.
    package var warnings: [String]
    /// The engine that answered, where it is not the one that was asked (a fallback).
    package var engine: String?
    /// Its model.
    package var model: String?

    package init(
        language: String?, segments: [Segment], timesAreEstimated: Bool = false, warnings: [String] = [],
        engine: String? = nil
    ) {
        self.language = language
        self.segments = segments
        self.timesAreEstimated = timesAreEstimated
        self.warnings = warnings
        self.engine = engine
    }
}
