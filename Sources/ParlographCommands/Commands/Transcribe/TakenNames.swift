import Synchronization
import SystemPackage
import SystemSupport
import Transcription

/// The sidecar names that are given out: of two recordings with one stem the second gets `a.wav.txt`, whether the first
/// was transcribed in this run or left its set in the folder in an earlier one.
final class TakenNames: Sendable {
    private struct SidecarLocation: Hashable {
        let folder: FilePath
        let base: RawName
    }

    private let taken = Mutex<Set<SidecarLocation>>([])

    /// Blocks.
    /// - Throws: `SystemError` where the folder cannot be opened.
    func names(for recording: RawName, in folder: FilePath) throws -> SidecarNames {
        let open = try OpenFolder(root: folder, links: .anybodys)
        return taken.withLock { taken in
            var attempt = 0
            while true {
                let names = SidecarNames.candidate(attempt, for: recording)
                attempt += 1
                if let record = SidecarRecord(names, in: open), record.sourceName != recording.printable { continue }
                if taken.insert(SidecarLocation(folder: folder, base: names.base)).inserted { return names }
            }
        }
    }
}
