package import SystemSupport

/// The merged result of a recording. Times are samples of the recording.
package struct Transcript: Sendable, Codable, Hashable {
    /// A part of the recording that no text was got from.
    package struct Gap: Sendable, Codable, Hashable {
        /// Whose fault it is, and so whether another try could fill it.
        package enum Cause: String, Sendable, Codable {
            /// The engine failed at it for good.
            case engine
            /// The file has lost it: nobody gets more out of this file.
            case damage
            /// Decoding was ended from outside before it came so far.
            case interruption
            /// The engine answered, but has no text for speech that is heard here; asked again it has none either.
            case uncovered

            /// Another try could fill it.
            package var isPassing: Bool { self == .engine || self == .interruption }
        }

        package var range: SampleRange
        /// A sentence for people.
        package var reason: String
        package var cause: Cause
        /// It goes on to the recording's end, which is not known; `range` is empty then.
        package var isOpenEnded: Bool

        package init(range: SampleRange, reason: String, cause: Cause = .engine, isOpenEnded: Bool = false) {
            self.range = range
            self.reason = reason
            self.cause = cause
            self.isOpenEnded = isOpenEnded
        }

        /// Where it is, for people: `00:10:00–00:15:00`, `from 00:10:00 to the end`.
        package var place: String {
            isOpenEnded ? "from \(TimeText.clock(range.start)) to the end" : TimeText.clock(range)
        }
    }

    /// What became of one chunk.
    package struct ChunkReport: Sendable, Codable, Hashable {
        package var index: Int
        /// The part between the cuts (`Chunk.owned`).
        package var range: SampleRange
        package var hash: Digest
        package var fromCache: Bool
        /// Requests to the engine; 0 when the cache answered or the chunk is silent.
        package var attempts: Int
        package var language: String?
        /// The engine that answered, where a fallback did.
        package var engine: String?
        /// That engine's model.
        package var model: String?
        /// How much is heard in it, in samples, and how much of that has no text.
        package var heard: Int64
        package var missed: Int64

        package init(
            index: Int, range: SampleRange, hash: Digest, fromCache: Bool, attempts: Int, language: String?,
            engine: String? = nil, model: String? = nil, heard: Int64 = 0, missed: Int64 = 0
        ) {
            self.index = index
            self.range = range
            self.hash = hash
            self.fromCache = fromCache
            self.attempts = attempts
            self.language = language
            self.engine = engine
            self.model = model
            self.heard = heard
            self.missed = missed
        }

        /// The part of what is heard in it that has text, 0...1.
        package var coverage: Double { Transcript.coverage(heard: heard, missed: missed) }
    }

    /// The source file, for `.json`.
    package struct Source: Sendable, Codable, Hashable {
        /// Printable file name.
        package var name: String
        package var byteCount: Int64
        package var sha256: Digest
        package var format: String
        package var sampleRate: Int
        package var channels: Int
        /// As `AudioProperties` has them.
        package var track: TrackSelection?
        package var gainDecibels: Int?

        package init(
            name: String, byteCount: Int64, sha256: Digest, format: String, sampleRate: Int, channels: Int,
            track: TrackSelection? = nil, gainDecibels: Int? = nil
        ) {
            self.name = name
            self.byteCount = byteCount
            self.sha256 = sha256
            self.format = format
            self.sampleRate = sampleRate
            self.channels = channels
            self.track = track
            self.gainDecibels = gainDecibels
        }
    }

    /// By majority of speech duration; nil when no chunk told one.
    package var language: String?
    package var sampleCount: Int64
    /// In the order of the recording.
    package var segments: [Segment]
    /// What the engine said that is no speech, in the order of the recording.
    package var suppressed: [SuppressedText]
    package var gaps: [Gap]
    package var warnings: [String]
    package var chunks: [ChunkReport]
    package var source: Source
    /// The engine that was asked for, and its model.
    package var engine: String
    package var model: String
    package var timesAreEstimated: Bool

    package init(
        language: String?, sampleCount: Int64, segments: [Segment], gaps: [Gap], warnings: [String],
        chunks: [ChunkReport], source: Source, engine: String, model: String, timesAreEstimated: Bool,
        suppressed: [SuppressedText] = []
    ) {
        self.language = language
        self.sampleCount = sampleCount
        self.segments = segments
        self.gaps = gaps
        self.warnings = warnings
        self.chunks = chunks
        self.source = source
        self.engine = engine
        self.model = model
        self.timesAreEstimated = timesAreEstimated
        self.suppressed = suppressed
    }

    /// Some part is missing that another try could bring: not what a damaged file has lost, nor what the engine was asked for
    /// twice.
    package var isPartial: Bool { gaps.contains { $0.cause.isPassing } }
    /// The part of what is heard that has text, 0...1.
    package var coverage: Double {
        Self.coverage(heard: chunks.reduce(0) { $0 + $1.heard }, missed: chunks.reduce(0) { $0 + $1.missed })
    }

    private static func coverage(heard: Int64, missed: Int64) -> Double {
        heard > 0 ? 1 - Double(min(missed, heard)) / Double(heard) : 1
    }

    /// How much the file has lost, as far as its header tells, in samples.
    package var lostSampleCount: Int64 { gaps.reduce(0) { $0 + ($1.cause == .damage ? $1.range.count : 0) } }
    package var cacheHits: Int { chunks.count { $0.fromCache } }
}
