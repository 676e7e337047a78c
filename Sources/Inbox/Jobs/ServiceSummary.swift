package import SystemSupport
package import Transcription

/// What `serve --once` did.
package struct ServiceSummary: Sendable, Hashable {
    static let maximumNames = 100

    package var delivered = 0
    package var partial = 0
    package var failed = 0
    /// Still in the queue, because there was too little space to begin them, or no engine.
    package var waiting = 0
    /// Some of those wait for an engine.
    package var waitsForEngine = false
    /// Left in the inbox, since their end is missing or somebody still writes them.
    package var incomplete = 0
    /// Finished, but still in the inbox: they could not be moved or deleted.
    package var notTakenOut = 0
    /// Why recordings failed.
    package var failures: Set<TranscriptionError.Code> = []
    /// The first of those that failed, relative to their inboxes.
    package var failedNames: [RawName] = []

    package init() {}
}
