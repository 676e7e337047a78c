package import SystemPackage
package import SystemSupport
package import Transcription

/// One `[[inbox]]` of the configuration.
package struct InboxSettings: Sendable, Hashable {
    /// What becomes of a recording that was delivered.
    package enum After: String, Sendable, CaseIterable { case move, keep, delete }
    /// How new recordings are noticed.
    package enum Watch: String, Sendable, CaseIterable { case auto, events, poll }
    /// What becomes of a file that is no recording.
    package enum ForeignFiles: String, Sendable, CaseIterable {
        /// It stays where it is, and is counted.
        case leave
        /// It fails as a damaged recording does, with a note.
        case fail
    }

    package var path: FilePath
    package var outbox: FilePath
    package var done: FilePath
    package var failed: FilePath
    package var after: After
    /// The name of an `[engines.NAME]`.
    package var engine: String
    package var options: TranscriptionOptions
    package var formats: [SidecarFormat]
    package var watch: Watch
    /// A recording that cannot be known to be whole is taken when nothing happened to it for so long.
    package var settle: Duration
    /// Everything is looked over this often; nil: as often as it takes, with events or without.
    package var rescan: Duration?
    /// Names and terms of the speech, in addition to the prompt.
    package var glossary: [String] = []
    /// How sidecars look and what those of subtitles are called.
    package var style = SidecarStyle()
    /// A sub-folder `de` or a name that ends in `.de.mp3` tells the language.
    package var languageFromPath = false
    package var ignored = IgnoredNames()
    /// A larger recording fails; nil: none is too large.
    package var maximumRecording: Int64?
    /// `status.html` in the outbox tells of this inbox.
    package var showsStatusPage = true
    /// Sidecars and notes, and their folders, have names that Windows shows (`PortableName`).
    package var portableNames = true
    package var foreignFiles = ForeignFiles.leave
    /// Who is told of what becomes of its recordings.
    package var hooks = HookSettings()
    /// A recording that has subtitles beside it is left alone (`SubtitledNames`).
    package var skipsSubtitled = false

    /// Sidecars lie beside their recordings.
    package var isItsOwnOutbox: Bool { outbox == path }

    /// What its jobs call it.
    package var id: RawName { RawName(path) }

    package init(
        path: FilePath, outbox: FilePath, done: FilePath, failed: FilePath, after: After, engine: String,
        options: TranscriptionOptions, formats: [SidecarFormat], watch: Watch, settle: Duration, rescan: Duration?
    ) {
        self.path = path
        self.outbox = outbox
        self.done = done
        self.failed = failed
        self.after = after
        self.engine = engine
        self.options = options
        self.formats = formats
        self.watch = watch
        self.settle = settle
        self.rescan = rescan
    }
}
