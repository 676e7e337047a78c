import Glibc
import Subprocess
import Synchronization
import SystemPackage
import SystemSupport

/// A `.tar.bz2` or `.tar.gz` with a model in it; bzip2 and gzip take it apart.
struct ModelArchive {
    private let path: FilePath
    private let name: String
    private let followingLinks: Bool

    /// No model is larger.
    private static let mostBytes: Int64 = 16 << 30
    private static let mostFiles = 1000

    /// - Parameters:
    ///   - name: for people.
    ///   - followingLinks: false: the path itself may be no link.
    init(_ path: FilePath, named name: String, followingLinks: Bool) {
        self.path = path
        self.name = name
        self.followingLinks = followingLinks
    }

    /// Writes the model's files into an empty folder, whatever folder they had.
    /// - Throws: `ModelInstallation.Failure`, `ModelInstallation.MissingProgram`, `SystemError`.
    func unpack(to staging: FilePath) async throws {
        let (path, name, followingLinks) = (path, name, followingLinks)
        let file = try await BlockingPool.files.run {
            OpenFile(try OwnedDescriptor(opening: path, flags: O_RDONLY | (followingLinks ? 0 : O_NOFOLLOW)))
        }
        let program = try await BlockingPool.files.run { try Self.program(for: file, named: name) }
        let unpacking = Unpacking(staging)
        do {
            let outcome = try await Subprocess.run(
                .name(program), arguments: ["-dc"],
                input: .fileDescriptor(file.file.descriptor, closeAfterSpawningProcess: false), output: .sequence,
                error: .discarded
            ) { execution in
                for try await piece in execution.standardOutput {
                    try await BlockingPool.files.run { try unpacking.take(piece) }
                }
                return unpacking.isComplete
            }
            guard outcome.terminationStatus.isSuccess, outcome.closureResult else {
                throw ModelInstallation.Failure(description: "\(name) is damaged or not whole.")
            }
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw ModelInstallation.MissingProgram(
                description: "\(name) cannot be unpacked: \(program) is not installed. apt install \(program), or "
                    + "unpack it elsewhere and add the folder: parlograph models add FOLDER.")
        }
    }

    private static func program(for file: OpenFile, named name: String) throws -> String {
        var start = [UInt8](repeating: 0, count: 4)
        let count = pread(file.file.descriptor.rawValue, &start, 4, 0)
        switch start.prefix(max(0, count)) {
        case [0x42, 0x5A, 0x68, start[3]]: return "bzip2"
        case [0x1F, 0x8B, start[2], start[3]]: return "gzip"
        default:
            throw ModelInstallation.Failure(
                description: "\(name) is neither a .tar.bz2 nor a .tar.gz. Unpack it yourself and add the folder: "
                    + "parlograph models add FOLDER.")
        }
    }

    private final class OpenFile: Sendable {
        let file: OwnedDescriptor
        init(_ file: consuming OwnedDescriptor) { self.file = file }
    }

    /// Goes on with each piece of the archive. Blocks.
    private final class Unpacking: Sendable {
        private let state: Mutex<(reader: TarReader, files: UnpackedFiles)>

        init(_ staging: FilePath) { state = Mutex((TarReader(), UnpackedFiles(staging))) }

        var isComplete: Bool { state.withLock { $0.reader.isComplete } }

        func take(_ piece: SubprocessOutputSequence.Buffer) throws {
            try state.withLock { state in
                var (reader, files) = state
                try piece.withUnsafeBytes { bytes in try reader.consume(bytes) { try files.take($0) } }
                state = (reader, files)
            }
        }
    }

    private struct UnpackedFiles {
        private let staging: FilePath
        private var current: OpenFile?
        private var bytes: Int64 = 0
        private var count = 0

        init(_ staging: FilePath) { self.staging = staging }

        mutating func take(_ event: TarReader.Event) throws {
            switch event {
            case .file(let path, let byteCount):
                bytes += byteCount
                count += 1
                guard bytes <= mostBytes, count <= mostFiles else {
                    throw ModelInstallation.Failure(description: "The archive is larger than any model is.")
                }
                // The model's files are at the top, or in the one folder there; test recordings lie deeper.
                let parts = path.split(separator: "/").filter { $0 != "." }
                guard parts.count <= 2, let name = parts.last, name != "..", !name.hasPrefix(".") else { return }
                current = OpenFile(try ModelInstallation.create(String(name), in: staging))
            case .bytes(let part):
                if let current { _ = try current.file.descriptor.writeAll(part) }
            case .endOfFile: current = nil
            }
        }
    }
}
