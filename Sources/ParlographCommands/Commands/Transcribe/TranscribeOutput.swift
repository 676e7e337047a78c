import Glibc
import SystemPackage
import SystemSupport
import Transcription

/// Where the sidecars of a run go.
enum TranscribeOutput: Sendable, Hashable {
    case besideRecording
    /// Those of a recording below a folder of the command line, in the same folder below this one.
    case folder(FilePath)
    /// The one format that is made, nothing else.
    case standardOutput

    /// Makes what is missing; before anything is paid for. Blocks.
    /// - Returns: the folder of a recording's sidecars; nil for standard output.
    /// - Throws: `TranscriptionError` with code `cannotWrite`, `SystemError`.
    func folder(for recording: RecordingArgument.Found) throws -> FilePath? {
        switch self {
        case .standardOutput: return nil
        case .folder(let given):
            let folder = given.pushing(recording.subfolder.path)
            try Self.make(folder)
            return try Self.writable(folder)
        case .besideRecording:
            guard case .file(let path) = recording.source else { return nil }
            let folder = path.removingLastComponent()
            return try Self.writable(folder.isEmpty ? FilePath(".") : folder)
        }
    }

    private static func make(_ folder: FilePath) throws {
        guard (try? FileStatus(at: folder)) == nil else { return }
        let parent = folder.removingLastComponent()
        if !parent.isEmpty, parent != folder { try make(parent) }
        guard folder.withPlatformString({ mkdir($0, 0o777) }) == 0 || errno == EEXIST else {
            let error = Errno(rawValue: errno)
            throw TranscriptionError(
                .cannotWrite, "The folder \(folder.printable) cannot be made: \(error). Choose another one with -o.",
                cause: SystemError("mkdir", folder.printable, errno: error))
        }
    }

    private static func writable(_ folder: FilePath) throws -> FilePath {
        guard try FileStatus(at: folder).kind == .directory else {
            throw TranscriptionError(
                .cannotWrite, "\(folder.printable), where the sidecars are to go, is not a folder.")
        }
        guard FolderRights.canWrite(folder) else {
            throw TranscriptionError(
                .cannotWrite, "The folder \(folder.printable) cannot be written to; choose another one with -o.")
        }
        return folder
    }
}
