import Inbox
import SystemPackage
import SystemSupport
import Transcription

/// What a word of the command line stands for.
enum RecordingArgument: Sendable, Hashable {
    /// `-`, and the names that Linux has for it.
    case standardInput
    case path(FilePath)
    /// `https://…`, as it was typed: nothing is fetched here.
    case address(String)

    init(_ argument: String) {
        if ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].contains(argument) {
            self = .standardInput
        } else if argument.prefixMatch(of: /[A-Za-z][A-Za-z0-9+.-]*:\/\//) != nil {
            self = .address(argument)
        } else {
            self = .path(RawArguments.path(for: argument))
        }
    }

    /// A recording that is to be transcribed.
    struct Found: Sendable {
        enum Source: Sendable {
            case standardInput
            case file(FilePath)
            /// An argument that is none; the run goes on with the next.
            case unusable(TranscriptionError)
        }

        let source: Source
        /// The folder of the recording below that of the command line; empty where the recording itself was named.
        let subfolder: RawName
        /// Of the file; 0 where that is not known yet.
        let byteCount: Int64

        /// For people.
        var name: String {
            switch source {
            case .standardInput: "standard input"
            case .file(let path): path.lastComponent.map { FilePath(root: nil, [$0]).printable } ?? path.printable
            case .unusable: ""
            }
        }
    }

    /// A folder tree with more is hardly meant.
    private static let maximumRecordings = 100_000
    private static let maximumDepth = 64

    /// The recordings behind the arguments, those of a folder in the order of their names' bytes. Blocks.
    /// - Parameter recursive: folders are looked into.
    /// - Throws: `TranscriptionError` with code `noSuchInput` where a folder holds more than can be meant.
    static func find(_ arguments: [RecordingArgument], recursive: Bool) throws -> [Found] {
        var found: [Found] = []
        for argument in arguments {
            switch argument {
            case .standardInput: found.append(Found(source: .standardInput, subfolder: .none, byteCount: 0))
            case .address(let text): found.append(unusable(fetchFirst(text)))
            case .path(let path): found += try recordings(at: path, recursive: recursive)
            }
        }
        return found
    }

    private static func unusable(_ message: String) -> Found {
        Found(source: .unusable(TranscriptionError(.noSuchInput, message)), subfolder: .none, byteCount: 0)
    }

    private static func fetchFirst(_ address: String) -> String {
        "\(address.printable) is an address, and nothing is fetched from there: download the recording first "
            + "(curl -LO \(address.shellWord)), then transcribe the file."
    }

    private static func recordings(at path: FilePath, recursive: Bool) throws -> [Found] {
        let status = try? FileStatus(at: path)
        guard status?.kind == .directory else {
            return [Found(source: .file(path), subfolder: .none, byteCount: status?.identity.byteCount ?? 0)]
        }
        guard recursive else {
            return [unusable("\(path.printable) is a folder: with -r the recordings in it are transcribed.")]
        }
        var found: [Found] = []
        do {
            try collect(RawName.none, below: path, into: &found)
        } catch let error as SystemError {
            found.append(unusable("\(path.printable) cannot be looked into: \(error.errno)."))
        }
        guard !found.isEmpty else { return [unusable("There is no recording in \(path.printable).")] }
        return found
    }

    /// What the service would take of an inbox, as far as names tell.
    private static func collect(_ folder: RawName, below top: FilePath, into found: inout [Found]) throws {
        let path = top.pushing(folder.path)
        var (files, folders): ([RawName], [RawName]) = ([], [])
        try DirectoryLister.forEach(in: path) { entry in
            switch entry.kind {
            case .regular where ForeignFileRule.kind(of: entry.name) == .sound && !IgnoredNames.contains(entry.name):
                files.append(entry.name)
            case .directory where !IgnoredNames().containsFolder(entry.name): folders.append(entry.name)
            default: break
            }
            return true
        }
        for name in files.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
            guard found.count < maximumRecordings else {
                throw TranscriptionError(
                    .noSuchInput,
                    "\(top.printable) holds more than \(maximumRecordings) recordings: transcribe its folders one by one."
                )
            }
            let file = path.pushing(name.path)
            let size = (try? FileStatus(at: file, followingLinks: false))?.identity.byteCount ?? 0
            found.append(Found(source: .file(file), subfolder: folder, byteCount: size))
        }
        guard folder.components.count < maximumDepth else { return }
        for name in folders.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
            do {
                try collect(folder.appending(name), below: top, into: &found)
            } catch let error as SystemError {
                let inner = path.pushing(name.path).printable
                found.append(unusable("\(inner) cannot be looked into: \(error.errno)."))
            }
        }
    }
}

extension RawName {
    /// The folder itself.
    fileprivate static let none = RawName(bytes: [])
}
