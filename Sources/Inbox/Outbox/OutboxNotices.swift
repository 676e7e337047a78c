import Glibc
package import SystemPackage
package import SystemSupport
package import Transcription

/// The small text files in the outbox that tell office users what is happening to a recording: `talk.status.txt` while
/// it is on its way, `talk.error.txt` when it failed. All functions block.
package enum OutboxNotices {
    /// What a note is about; also the part of its name before `.txt`.
    package enum Kind: String, Sendable, CaseIterable { case status, error }

    /// Stands at the end of each note: a file without it is a person's own.
    package static let signature = "Written by Parlograph, which also removes it."
    /// A longer file is no note.
    private static let maximumBytes = 64 << 10

    /// Writes or replaces a note; a person's own file of that name stays, and the note is left out. What the text quotes
    /// is made printable.
    /// - Parameters:
    ///   - base: the sidecars' base name, relative to `outbox`; its folder is made if missing.
    /// - Returns: false when it was left out.
    /// - Throws: `SystemError`.
    @discardableResult
    package static func write(_ text: String, _ kind: Kind, base: RawName, outbox: FilePath) throws -> Bool {
        let folder = try OpenFolder(root: outbox).making(base.folder)
        guard let name = name(base, kind).path.lastComponent else { return false }
        guard isFreeOrOurs(name, in: folder.descriptor) else { return false }
        let shown = text.printableLines
        let lines = shown.hasSuffix("\n") ? shown : shown + "\n"
        try AtomicFile.write(Array("\(lines)\n\(signature)\n".utf8), named: name, in: folder.descriptor, rights: nil)
        return true
    }

    /// Removes a note if it is there; a person's own file of that name stays.
    package static func remove(_ kind: Kind, base: RawName, outbox: FilePath) {
        guard let folder = try? OpenFolder(root: outbox).opening(base.folder),
            let name = name(base, kind).path.lastComponent,
            isFreeOrOurs(name, in: folder.descriptor)
        else { return }
        try? folder.unlink(RawName(FilePath(root: nil, [name])))
    }

    private static func isFreeOrOurs(_ name: FilePath.Component, in folder: FileDescriptor) -> Bool {
        let path = FilePath(root: nil, [name])
        do {
            let file = try OwnedDescriptor(
                opening: path, from: folder, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
            guard try FileStatus(of: file.descriptor).kind == .regular else { return false }
            let bytes = try SmallFile.read(file.descriptor, named: path.printable, limit: maximumBytes)
            return bytes.suffix(signature.utf8.count + 1).elementsEqual("\(signature)\n".utf8)
        } catch let error as SystemError {
            return error.errno == .noSuchFileOrDirectory
        } catch {
            return false
        }
    }

    /// The text of an error note: what, why, where the recording is, what to do.
    /// - Parameter language: that was asked for; an engine may know others only.
    package static func errorText(
        name: RawName, error: TranscriptionError, movedTo failed: String?, language: String? = nil
    ) -> String {
        let hint =
            error.code == .languageNotSupported
            ? language.map { " It was set to \"\($0)\"; perhaps that is wrong." } ?? "" : ""
        let place =
            failed.map { "The recording was not lost: it is now in the folder \"\($0)\"." }
            ?? "The recording was not lost: it is still in the inbox."
        return """
            \(name.printable) could not be transcribed.

            Why: \(reason(error.code, message: error.message))\(hint)

            \(place)
            \(remedy(error.code))

            """
    }

    /// Why a recording failed, for the office user. What an administrator has to know (addresses, keys of the
    /// configuration, packages to install) is in the log and in `parlograph jobs`.
    /// - Parameter message: the error's own words.
    package static func reason(_ code: TranscriptionError.Code, message: String?) -> String {
        switch code {
        case .notARecording, .tooLarge: message ?? "It holds no sound that can be read."
        case .undecodable: "It is damaged, or not what its name says: nothing of it can be heard."
        case .unsupportedFormat: "It is in a format that cannot be read here."
        case .engineUnavailable, .configuration: "The speech recognition cannot be used as it is set up now."
        case .languageNotSupported: "The speech recognition that is set up here does not know its language."
        case .requestFailed: "The speech recognition failed at it, also when it was asked again."
        case .noSuchInput: "It could not be opened. Perhaps its rights are those of another user."
        case .recordingChanged: "It changed while it was being read."
        case .cannotWrite: "Its transcript could not be written."
        case .decodingInterrupted: "Reading it was interrupted again and again."
        case .internalFault: "Something went wrong that should not happen."
        }
    }

    private static func remedy(_ code: TranscriptionError.Code) -> String {
        switch code {
        case .notARecording, .undecodable:
            "Please check whether it plays. If it was copied here, copy it again; if it plays, put it into the inbox again."
        case .unsupportedFormat:
            "Save it in another format (for instance MP3, WAV or FLAC) and put that into the inbox, or ask your administrator."
        case .tooLarge:
            "Save it in parts, or as MP3, and put that into the inbox, or ask your administrator."
        case .engineUnavailable, .languageNotSupported, .configuration, .cannotWrite, .decodingInterrupted,
            .internalFault:
            "This is not your fault. Please tell your administrator, who can have it tried again."
        case .noSuchInput, .recordingChanged, .requestFailed:
            "Put it into the inbox again to have it tried once more."
        }
    }

    /// What the status page says of a recording whose file has lost a part; nil where that is nothing to speak of.
    package static func damage(lostSamples: Int64) -> String? {
        guard lostSamples >= SampleClock.rate else { return nil }
        let time = TimeText.estimate(seconds: SampleClock.seconds(lostSamples))
        return "the file is damaged: \(time) of it are missing, marked in the text"
    }

    /// From this part of the speech on nothing is said of what has no text.
    private static let sufficientCoverage = 0.95

    /// What the status page says of a recording in which speech is heard that has no text.
    /// - Parameter coverage: `Transcript.coverage`.
    package static func uncovered(_ coverage: Double) -> String? {
        guard coverage < sufficientCoverage else { return nil }
        return "for \(Int(((1 - coverage) * 100).rounded())) % of the speech there is no text"
    }

    /// Several remarks as one.
    package static func remark(_ remarks: [String?]) -> String? {
        let told = remarks.compactMap { $0 }
        return told.isEmpty ? nil : told.joined(separator: "; ")
    }

    /// The text of a status note while a recording is being worked on.
    package static func progressText(name: RawName, _ progress: ProgressSnapshot) -> String {
        let done = progress.fraction.map { "\(Int(min(1, max(0, $0)) * 100)) % done" }
        // What is under way counts as begun; where it does not go on, only what is done is done.
        if let stall = progress.stall { return stalledText(name, stall, done: progress.chunksDone > 0 ? done : nil) }
        let facts = [
            done,
            progress.engineWaitSeconds.map { "waiting for the speech recognition, \(remaining($0))" },
            progress.remainingSeconds.map { "\(remaining($0)) left" },
        ].compactMap { $0 }
        return "\(name.printable) is being transcribed\(facts.isEmpty ? "" : ": " + facts.joined(separator: ", ")).\n"
    }

    private static let reassurance = "Nothing is lost and nothing needs to be done: it goes on by itself.\n"

    private static func stalledText(_ name: RawName, _ stall: ProgressStall, done: String?) -> String {
        let sofar = done.map { "\($0), " } ?? ""
        return switch stall.reason {
        case .turn: "\(name.printable) is waiting: \(sofar)others are before it.\n"
        case .engineAway, .engineSilent: "\(name.printable) is waiting: \(sofar)\(stalled(stall)).\n\(reassurance)"
        }
    }

    /// `no answer from the speech recognition for 3 min`
    package static func stalled(_ stall: ProgressStall) -> String {
        let time = TimeText.elapsed(seconds: stall.seconds)
        return switch stall.reason {
        case .engineAway: "the speech recognition has not answered for \(time)"
        case .engineSilent: "no answer from the speech recognition for \(time)"
        case .turn: "waits for its turn"
        }
    }

    /// How long it will take and how long it waits, as far as that is known.
    package static func timeLeft(_ progress: ProgressSnapshot) -> String? {
        let facts = [
            progress.remainingSeconds.map(remaining),
            progress.engineWaitSeconds.map { "waits \(remaining($0))" },
        ].compactMap(\.self)
        return facts.isEmpty ? nil : facts.joined(separator: "; ")
    }

    /// What is told of an engine that no recording is begun with, as a sentence.
    package static func outage(_ fault: EngineFault, since: Int64) -> String {
        let what =
            switch fault {
            case .away: "has been out of reach"
            case .refused: "has not been usable"
            }
        return "The speech recognition \(what) since \(LocalTime.moment(since))."
    }

    /// The text of the one note in an outbox whose recordings wait for an engine.
    package static func outageText(_ fault: EngineFault, since: Int64) -> String {
        """
        Recordings are waiting. \(outage(fault, since: since))

        Nothing is lost and nothing needs to be done: they stay in the inbox, and are transcribed by themselves as soon as
        it works again.

        """
    }

    /// `about 2 min 20 s`, and no more exact than it can be at the end.
    package static func remaining(_ seconds: Double) -> String {
        seconds < 10 ? "a few seconds" : "about \(TimeText.estimate(seconds: seconds))"
    }

    /// The text of a status note when nothing can be done for the moment.
    /// - Parameter since: in seconds since 1970; nil: it is not told.
    package static func waitingText(name: RawName, _ cause: WaitingCause, since: Int64? = nil) -> String {
        let time = since.map { " since \(LocalTime.moment($0))" } ?? ""
        let text =
            switch cause {
            case .engine: "because the speech recognition cannot be reached at the moment."
            case .stopped: "because the transcription service was stopped."
            case .reading: "because it cannot be read at the moment."
            case .outbox: "because its transcript cannot be put here at the moment."
            }
        return "\(name.printable) is waiting\(time), \(text)\n\(reassurance)"
    }

    /// Why a recording that was begun waits.
    package enum WaitingCause: Sendable {
        case engine
        case stopped
        case reading
        case outbox
    }

    /// The note beside the transcripts about a folder's `parlograph.toml`.
    /// - Parameter folder: relative to the inbox; empty for the inbox itself.
    package static func folderFileText(folder: RawName, fault: String) -> String {
        let place = folder.bytes.isEmpty ? "in the inbox" : "in the folder \"\(folder.printable)\""
        return """
            The file parlograph.toml \(place) is not used, because something in it is wrong:

            \(fault)

            Recordings are transcribed without it meanwhile. Correct it or delete it; then this note goes away.
            It may hold these lines, each of them or none:

            language = "de"
            formats = ["txt", "srt", "json"]
            prompt = "A hearing at the district court"
            glossary = ["Lindström", "Parlograph"]
            txt_times = "paragraph"

            """
    }

    private static func name(_ base: RawName, _ kind: Kind) -> RawName {
        let ending = Array(".\(kind.rawValue).txt".utf8)
        return RawName(bytes: base.last.bytes.prefix(255 - ending.count) + ending)
    }
}
