package import SystemSupport
import Transcription

/// One recording on its way.
package struct Job: Sendable, Hashable {
    /// `found` and `settling` are states of intake and not written down: a scan finds them again.
    package enum State: String, Sendable, Codable, CaseIterable {
        case queued, processing, delivered, partial, failed
        /// The sidecars (or the error note) are on disk.
        package var isFinished: Bool { self == .delivered || self == .partial || self == .failed }
    }

    /// What became of the recording in the inbox.
    package enum SourceDisposal: String, Sendable, Codable {
        /// Still where it was found.
        case pending
        /// It is being taken out at the moment.
        case leaving
        /// Left there on purpose (`after = "keep"`); not to be transcribed again.
        case kept
        /// In `done` or `failed`.
        case moved
        case deleted
    }

    /// Of the row; never used again.
    package var id: Int64
    /// The inbox folder, absolute.
    package var inbox: RawName
    /// The recording, relative to the inbox.
    package var path: RawName
    package var identity: FileIdentity
    /// What the sidecars are called, without their extensions; relative to the outbox.
    package var sidecarBase: RawName
    package var state: State
    /// How often it was begun.
    package var attempts: Int
    /// For a failed job, as in the error note; for one that was put off, why.
    package var errorCode: String?
    package var errorMessage: String?
    /// SHA-256 of sidecars that were delivered or were about to be, to know them from edited ones.
    package var sidecarDigests: [Digest]
    /// What the job is once sidecars with these digests are all in place; nil before they were rendered.
    package var outcome: State?
    package var source: SourceDisposal
    /// Where it was moved to, absolute.
    package var sourcePlace: RawName?
    /// Why it could not be taken out of the inbox until now.
    package var sourceFault: String?
    /// A queued one is not begun before, in seconds since 1970; 0: it never waited.
    package var notBefore: Int64 = 0
    /// Seconds since 1970.
    package var foundAt: Int64
    /// When it was begun last.
    package var begunAt: Int64?
    /// Unix time; nil: it is not finished.
    package var finishedAt: Int64?
    /// How much of the recording the file itself has lost, at 16 kHz, as far as its header tells.
    package var lostSampleCount: Int64 = 0
    /// `Transcript.coverage`; 1 while nothing is known.
    package var coverage = 1.0
    /// What it was begun with last; nil before that.
    package var options: Options?
    /// How far it has come, or came.
    package var chunks = Chunks()

    /// What a job is worked on with: its inbox's choices, and those of its folder and its name.
    package struct Options: Sendable, Hashable {
        package var engine: String
        /// Nil: the engine finds out.
        package var language: String?
        package var formats: [String]

        package init(engine: String, language: String?, formats: [String]) {
            self.engine = engine
            self.language = language
            self.formats = formats
        }
    }

    /// The chunks of a recording.
    package struct Chunks: Sendable, Hashable {
        /// Nil as long as it is not known.
        package var expected: Int?
        /// With a result or given up.
        package var done: Int
        package var failed: Int

        package init(expected: Int? = nil, done: Int = 0, failed: Int = 0) {
            self.expected = expected
            self.done = done
            self.failed = failed
        }
    }
}

extension ProgressSnapshot {
    /// For the journal.
    var chunks: Job.Chunks { Job.Chunks(expected: chunksExpected, done: chunksDone, failed: chunksFailed) }
}
