package import FoundationEssentials
package import SystemSupport
package import Transcription

/// Somebody who is to be told of a recording that has come to its end, once: a program is run, or a webhook sent.
package struct HookCall: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        /// `on_delivered` or `on_failed`.
        case program
        case webhook
    }

    package enum Event: String, Sendable, CaseIterable {
        /// With a whole transcript or a partial one.
        case delivered
        case failed

        /// As the receiver of a webhook is told it.
        package var type: String { "recording.\(rawValue)" }
        /// The key of `[[inbox]]` that names the program.
        package var key: String { "on_\(rawValue)" }
    }

    package enum State: String, Sendable {
        case waiting
        /// It has failed too often.
        case givenUp = "given_up"
    }

    /// Of the row; never used again.
    package var id: Int64
    /// `Job.id`; the job may be forgotten by now.
    package var job: Int64
    /// `InboxSettings.id`.
    package var inbox: RawName
    package var kind: Kind
    package var event: Event
    /// The same over all attempts, and nobody else's.
    package var identifier: String
    package var facts: HookFacts
    package var state: State
    /// That were begun.
    package var attempts: Int
    /// Seconds since 1970.
    package var notBefore: Int64
    /// Why the last attempt failed.
    package var error: String?
    /// When the first one failed, in seconds since 1970.
    package var failingSince: Int64?
    /// Where the recording lies now, absolute; nil: it was deleted, or nobody knows.
    package var recording: RawName?
}

/// What is told of a recording: names, places and figures, and never what was said. Kept in the journal.
package struct HookFacts: Sendable, Hashable, Codable {
    /// `Job.State` of one that is finished.
    package var result: String
    /// Seconds since 1970.
    package var at: Int64
    /// Bytes, as paths are: the recording, relative to its inbox; and the outbox.
    package var name: Data
    package var outbox: Data
    /// By their formats, relative to the outbox. Only what stands there: a name that the recording's sidecar would have had
    /// may be that of somebody's own file.
    package var sidecars: [String: Data] = [:]
    package var bytes: Int64
    package var engine: String
    package var model: String?
    package var language: String?
    /// Length of the recording.
    package var seconds: Double?
    package var processingSeconds: Double?
    package var chunks: Int?
    package var cacheHits: Int?
    package var gaps: Int?
    package var warnings: Int?
    package var errorCode: String?
    package var error: String?

    private init(_ job: Job, _ inbox: InboxSettings, result: Job.State, at: Int64) {
        self.result = result.rawValue
        self.at = at
        name = job.path.data
        outbox = RawName(inbox.outbox).data
        bytes = job.identity.byteCount
        engine = inbox.engine
        language = inbox.options.language
    }

    /// Of one that is about to be delivered. What its sidecars are called shows when they are in place.
    init(delivering transcript: Transcript, of job: Job, to inbox: InboxSettings, run: RunFacts, at: Int64) {
        self.init(job, inbox, result: transcript.isPartial ? .partial : .delivered, at: at)
        engine = transcript.engine
        model = transcript.model.isEmpty ? nil : transcript.model
        language = transcript.language ?? language
        seconds = Double(SampleClock.milliseconds(transcript.sampleCount)) / 1000
        let (whole, attoseconds) = run.processingTime.components
        processingSeconds = Double(whole) + Double(attoseconds / 1_000_000_000_000_000) / 1000
        chunks = transcript.chunks.count
        cacheHits = transcript.cacheHits
        gaps = transcript.gaps.count
        warnings = transcript.warnings.count
    }

    /// As `init(delivering:)`; nil where nobody is to be told.
    init?(ifWantedOf transcript: Transcript, of job: Job, to inbox: InboxSettings, run: RunFacts, at: Int64) {
        guard !inbox.hooks.kinds(for: .delivered).isEmpty else { return nil }
        self.init(delivering: transcript, of: job, to: inbox, run: run, at: at)
    }

    /// Of one that has failed.
    package init(failing job: Job, of inbox: InboxSettings, error: TranscriptionError, at: Int64) {
        self.init(job, inbox, result: .failed, at: at)
        errorCode = error.code.rawValue
        self.error = error.message
    }
}
