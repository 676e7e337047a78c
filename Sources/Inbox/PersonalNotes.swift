import Glibc
package import SystemPackage
package import SystemSupport
package import Transcription

/// The small text files in the outbox that tell office users what is happening to a recording: `talk.status.txt` while
/// it is on its way, `talk.error.txt` when it failed. All functions block.
package enum PersonalNotes {
    /// What a note is about; also the part of its name before `.txt`.
    package enum Kind: String, Sendable, CaseIterable { case status, error }

    /// Writes or replaces a note.
    /// - Parameters:
    ///   - base: the sidecars' base name, relative to `outbox`; its folder is made if missing.
    /// - Throws: `SystemError`.
    package static func write(_ text: String, _ kind: Kind, base: RawName, outbox: FilePath) throws {
        let folder = try FileMover.makeFolders(base.folder, below: outbox)
        guard let name = name(base, kind).path.lastComponent else { return }
        let mode: UInt32 = try FileStatus(at: folder).mode & 0o020 != 0 ? 0o664 : 0o644
        try AtomicFile.write(Array(text.utf8), named: name, in: folder, mode: mode)
    }

    /// Removes a note if it is there.
    package static func remove(_ kind: Kind, base: RawName, outbox: FilePath) {
        let path = outbox.pushing(base.folder.path).pushing(name(base, kind).path)
        _ = path.withPlatformString { unlink($0) }
    }

    /// The text of an error note: what, why, where the recording is, what to do.
    package static func errorText(name: RawName, error: TranscriptionError, movedTo failed: String?) -> String {
        let place =
            failed.map { "The recording was not lost: it is now in the folder \"\($0)\"." }
            ?? "The recording was not lost: it is still in the inbox."
        return """
            \(name.printable) could not be transcribed.

            Why: \(error.message)

            \(place)
            \(remedy(error.code))

            """
    }

    private static func remedy(_ code: TranscriptionError.Code) -> String {
        switch code {
        case .notARecording, .undecodable:
            "Please check whether it plays. If it was copied here, copy it again; if it plays, put it into the inbox again."
        case .unsupportedFormat:
            "Save it in another format (for instance MP3, WAV or FLAC) and put that into the inbox, or ask your administrator."
        case .engineUnavailable, .configuration, .cannotWrite, .internalFault:
            "This is not your fault. Please tell your administrator, who can have it tried again."
        case .noSuchInput, .recordingChanged, .requestFailed:
            "Put it into the inbox again to have it tried once more."
        }
    }

    private static func name(_ base: RawName, _ kind: Kind) -> RawName {
        let ending = Array(".\(kind.rawValue).txt".utf8)
        return RawName(bytes: base.last.bytes.prefix(255 - ending.count) + ending)
    }
}
