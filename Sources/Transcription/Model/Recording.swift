import Glibc
package import SystemPackage
package import SystemSupport

/// A source file, opened once: who decodes, hashes and checks it does so through this descriptor, so that a file put
/// under the same name meanwhile cannot slip in.
package final class Recording: Sendable {
    /// Where it was opened; bytes, not necessarily UTF-8.
    package let path: FilePath
    /// As it was when it was opened.
    package let identity: FileIdentity
    /// Knows the digest of its contents from an earlier run; nil: nobody does.
    let digestMemory: DigestMemory?
    private let file: OwnedDescriptor

    /// Seek position is shared with child processes: read with pread(2) here.
    package var descriptor: FileDescriptor { file.descriptor }
    package var byteCount: Int64 { identity.byteCount }
    /// The last path component, printable.
    package var displayName: String { path.lastComponent.map { FilePath(root: nil, [$0]).printable } ?? path.printable }

    /// Opens a regular file for reading.
    /// - Parameters:
    ///   - followingLinks: false in an inbox, where nothing is trusted.
    ///   - name: what it is called where it lies under no name that a person knows.
    /// - Throws: `TranscriptionError` with code `noSuchInput` or `notARecording`.
    package init(opening path: FilePath, followingLinks: Bool, called name: FilePath? = nil) throws {
        self.path = name ?? path
        digestMemory = nil
        do {
            let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (followingLinks ? 0 : O_NOFOLLOW)
            file = try OwnedDescriptor(opening: path, flags: flags)
        } catch let error as SystemError {
            throw TranscriptionError(
                .noSuchInput, "\(path.printable) cannot be opened: \(error.errno).", cause: error)
        }
        let status = try FileStatus(of: file.descriptor)
        guard status.kind == .regular else {
            throw TranscriptionError(.notARecording, "\(path.printable) is not a regular file.")
        }
        identity = status.identity
    }

    /// Opens a regular file of an inbox: nothing outside `root` is read, no link is followed, nothing blocks.
    /// - Parameters:
    ///   - name: the path below `root`.
    ///   - digestMemory: of this very file.
    /// - Throws: `TranscriptionError` with code `noSuchInput` or `notARecording`; its cause is a `SystemError`.
    package init(
        opening name: RawName, beneath root: FileDescriptor, at rootPath: FilePath, digestMemory: DigestMemory? = nil
    ) throws {
        path = rootPath.pushing(name.path)
        self.digestMemory = digestMemory
        do {
            file = try OwnedDescriptor(opening: name, beneath: root, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
        } catch let error as SystemError {
            throw TranscriptionError(
                .noSuchInput, "\(name.printable) cannot be opened: \(error.errno).", cause: error)
        }
        let status = try FileStatus(of: file.descriptor)
        guard status.kind == .regular else {
            throw TranscriptionError(.notARecording, "\(name.printable) is not a regular file.")
        }
        identity = status.identity
    }

    /// Its bytes cannot be had, as opposed to bytes that make no sense: no fault of the recording, and it may pass.
    package func cannotBeRead(_ errno: Errno) -> TranscriptionError {
        TranscriptionError(
            .noSuchInput, "\(displayName) cannot be read: \(errno). Look at its disk or server.",
            cause: SystemError("pread", path.printable, errno: errno))
    }

    /// True when the file was written to since it was opened (size or time of change differ). Blocks.
    package func hasChanged() -> Bool {
        guard let now = try? FileStatus(of: descriptor) else { return true }
        return now.identity != identity
    }
}

/// What the decoder knows of a recording before the first sample.
package struct AudioProperties: Sendable, Codable, Hashable {
    /// Container or codec in lower case, as people say it: `mp3`, `wav`, `flac`, `ogg vorbis`, `opus`, `m4a`.
    package var format: String
    /// Of the recording, in Hz, before resampling.
    package var sampleRate: Int
    package var channels: Int
    /// Length at 16 kHz if header or bit rate tell it; an estimate, the truth is counted while decoding.
    package var estimatedSampleCount: Int64?
    /// Length at 16 kHz as a header declares it; nil where only the bit rate tells.
    package var declaredSampleCount: Int64?
    /// Nil where the format has no tracks.
    package var track: TrackSelection?
    /// What the samples were made louder by before they became 16 bit, in dB; negative: softer, nil: neither.
    package var gainDecibels: Int?

    package init(
        format: String, sampleRate: Int, channels: Int, estimatedSampleCount: Int64?,
        declaredSampleCount: Int64? = nil, track: TrackSelection? = nil, gainDecibels: Int? = nil
    ) {
        self.format = format
        self.sampleRate = sampleRate
        self.channels = channels
        self.estimatedSampleCount = estimatedSampleCount
        self.declaredSampleCount = declaredSampleCount
        self.track = track
        self.gainDecibels = gainDecibels
    }
}

/// Which of a file's tracks of sound is heard.
package struct TrackSelection: Sendable, Codable, Hashable {
    /// Counted from 1, tracks of sound only; several are mixed. Never empty.
    package var taken: [Int]
    /// How many tracks of sound there are.
    package var count: Int
    /// Of the one that was taken, as the file has it (`eng`); nil where it does not tell, or where several are mixed.
    package var language: String?

    package init(taken: [Int], count: Int, language: String? = nil) {
        self.taken = taken
        self.count = count
        self.language = language
    }
}

/// What is known once the decoder has given all it gives of a recording.
package struct DecodeSummary: Sendable, Codable, Hashable {
    /// Samples that were decoded, at 16 kHz.
    package var sampleCount: Int64
    /// Sentences for people, for instance that the file is truncated; they go into `.json`.
    package var warnings: [String]
    /// What a damaged file has lost, and what lies behind the place where decoding was ended from outside. Damage in the
    /// middle counts as silence in `sampleCount`; a gap at the end begins where the samples end.
    package var gaps: [Transcript.Gap]

    package init(sampleCount: Int64, warnings: [String], gaps: [Transcript.Gap] = []) {
        self.sampleCount = sampleCount
        self.warnings = warnings
        self.gaps = gaps
    }
}
