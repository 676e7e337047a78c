package import SystemSupport
import Transcription

/// What the sidecars and notes of a recording are called in the outbox, without their endings: paths relative to it.
package enum SidecarBase {
    /// The bases to try, in order; the first that no other recording has is taken.
    /// - Parameters:
    ///   - path: of the recording, relative to the inbox.
    ///   - isPortable: as `InboxSettings.portableNames`.
    package static func candidate(_ attempt: Int, for path: RawName, isPortable: Bool) -> RawName {
        let names =
            isPortable
            ? SidecarNames.portableCandidate(attempt, for: path.last) : SidecarNames.candidate(attempt, for: path.last)
        return folder(path.folder, isPortable: isPortable).appending(names.base)
    }

    /// What versions before 0.2 called those of this recording, and nobody does now.
    package static func formerly(_ path: RawName) -> [RawName] {
        (0...1).map { candidate($0, for: path, isPortable: false) }.filter { former in
            !(0...1).contains { candidate($0, for: path, isPortable: true) == former }
        }
    }

    /// Of the note about a file of the inbox that has no job, and so no base of its own: its whole name. Different files have
    /// different ones.
    package static func note(about path: RawName, isPortable: Bool) -> RawName {
        let name = SidecarNames(
            for: isPortable ? PortableName.distinct(path.last) : path.last, keepingExtension: true
        ).base
        return folder(path.folder, isPortable: isPortable).appending(name)
    }

    /// Where that of a folder of the inbox lies.
    package static func folder(_ folder: RawName, isPortable: Bool) -> RawName {
        isPortable ? PortableName.folder(folder) : folder
    }
}
