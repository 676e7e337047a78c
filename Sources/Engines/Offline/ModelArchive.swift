import Glibc
import Subprocess
import Synchronization
import SystemPackage
import SystemSupport

/// A `.tar.bz2`, `.tar.gz` or `.zip` with a model in it; bzip2 and gzip take the first two apart.
struct ModelArchive {
    private let path: FilePath
    private let name: String
    private let followingLinks: Bool

    /// - Parameters:
    ///   - name: for people.
    ///   - followingLinks: false: the path itself may be no link.
    init(_ path: FilePath, named name: String, followingLinks: Bool) {
        self.path = path
        self.name = name
        self.followingLinks = followingLinks
    }

    private enum Kind { case zip, tar(program: String) }

    /// Writes the model's files into an empty folder, whatever folder they had.
    /// - Throws: `ModelInstallation.Failure`, `ModelInstallation.MissingProgram`, `SystemError`, `CancellationError`.
    func unpack(to staging: FilePath) async throws {
        let (path, name, followingLinks) = (path, name, followingLinks)
        let (file, kind, files) = try await BlockingPool.files.run {
            let flags = O_RDONLY | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW)
            let file = OpenFile(try OwnedDescriptor(opening: path, flags: flags))
            let bytes = try FileStatus(of: file.file.descriptor).identity.byteCount
            return (
                file, try Self.kind(of: file, named: name), UnpackedFiles(staging, archiveBytes: bytes, named: name)
            )
        }
        switch kind {
        case .zip:
            let flag = CancellationFlag()
            try await withTaskCancellationHandler {
                try await BlockingPool.files.run { try unzip(file, files, flag) }
            } onCancel: {
                flag.set()
            }
        case .tar(let program): try await untar(file, with: program, files)
        }
    }

    private static func kind(of file: OpenFile, named name: String) throws -> Kind {
        var start = [UInt8](repeating: 0, count: 4)
        let count = pread(file.file.descriptor.rawValue, &start, 4, 0)
        switch start.prefix(max(0, count)) {
        case [0x42, 0x5A, 0x68, start[3]]: return .tar(program: "bzip2")
        case [0x1F, 0x8B, start[2], start[3]]: return .tar(program: "gzip")
        case [0x50, 0x4B, 0x03, 0x04], [0x50, 0x4B, 0x05, 0x06]: return .zip
        default:
            throw ModelInstallation.Failure(
                description: "\(name) is neither a .tar.bz2 nor a .tar.gz nor a .zip. Unpack it yourself and add the "
                    + "folder: parlograph models add FOLDER.")
        }
    }

    private func unzip(_ file: OpenFile, _ files: UnpackedFiles, _ flag: CancellationFlag) throws {
        do {
            let zip = try ZipReader(file.file.descriptor)
            for entry in zip.entries {
                guard try files.begin(String(decoding: entry.path, as: UTF8.self), entry.byteCount) else { continue }
                try zip.read(entry) { part in
                    guard !flag.isSet else { throw CancellationError() }
                    try files.count(part.count)
                    try files.write(part)
                }
                files.end()
            }
        } catch let fault as ZipReader.Fault {
            throw ModelInstallation.Failure(description: "\(name) \(fault.reason).")
        }
    }

    private func untar(_ file: OpenFile, with program: String, _ files: UnpackedFiles) async throws {
        let unpacking = Unpacking(files)
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
            try Task.checkCancellation()
            guard outcome.terminationStatus.isSuccess, outcome.closureResult else {
                throw ModelInstallation.Failure(description: "\(name) is damaged or not whole.")
            }
        } catch is TarReader.Garbage {
            throw ModelInstallation.Failure(description: "\(name) has no tar archive in it, or is damaged.")
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw ModelInstallation.MissingProgram(
                description: "\(name) cannot be unpacked: \(program) is not installed. apt install \(program), or "
                    + "unpack it elsewhere and add the folder: parlograph models add FOLDER.")
        }
    }

    private final class OpenFile: Sendable {
        let file: OwnedDescriptor
        init(_ file: consuming OwnedDescriptor) { self.file = file }
    }

    /// Goes on with each piece of a tar archive. Blocks.
    private final class Unpacking: Sendable {
        private let reader = Mutex(TarReader())
        private let files: UnpackedFiles

        init(_ files: UnpackedFiles) { self.files = files }

        var isComplete: Bool { reader.withLock { $0.isComplete } }

        func take(_ piece: SubprocessOutputSequence.Buffer) throws {
            try reader.withLock { reader in
                try piece.withUnsafeBytes { bytes in
                    try files.count(bytes.count)
                    try reader.consume(bytes) { event in
                        switch event {
                        case .file(let path, let byteCount): _ = try files.begin(path, byteCount)
                        case .bytes(let part): try files.write(part)
                        case .endOfFile: files.end()
                        }
                    }
                }
            }
        }
    }

    /// The files that come out of an archive, one after the other. Blocks.
    private final class UnpackedFiles: Sendable {
        private let staging: FilePath
        private let archive: String
        /// A model hardly gets smaller by packing: what becomes so much larger is made to fill disks.
        private let maximumBytes: Int64
        private let state = Mutex<(current: OpenFile?, bytes: Int64, count: Int)>((nil, 0, 0))

        private static let maximumFiles = 1000
        private static let maximumTimes: Int64 = 50

        init(_ staging: FilePath, archiveBytes: Int64, named archive: String) {
            self.staging = staging
            self.archive = archive
            maximumBytes = min(ModelInstallation.maximumBytes, max(archiveBytes, 1 << 20) * Self.maximumTimes)
        }

        /// - Parameter path: as it stands in the archive.
        /// - Returns: whether the file is wanted.
        func begin(_ path: String, _ byteCount: Int64) throws -> Bool {
            try state.withLock { state in
                state.count += 1
                guard let name = Self.name(path) else { return false }
                guard state.count <= Self.maximumFiles, byteCount <= maximumBytes else { throw excess }
                do {
                    state.current = OpenFile(try ModelInstallation.create(name, in: staging))
                } catch let error as SystemError where error.errno == .fileExists {
                    throw ModelInstallation.Failure(
                        description:
                            "\(archive) has two files of the name \(name): there is more than one model in it. "
                            + "Unpack it and add the folder of one: parlograph models add FOLDER.")
                }
                return true
            }
        }

        func write(_ part: UnsafeRawBufferPointer) throws {
            try state.withLock { state in
                guard let current = state.current else { return }
                try ModelInstallation.write(part, to: current.file, in: staging)
            }
        }

        func end() { state.withLock { $0.current = nil } }

        /// Bytes that came of the archive, also those that nobody wants.
        func count(_ bytes: Int) throws {
            try state.withLock { state in
                state.bytes += Int64(bytes)
                guard state.bytes <= maximumBytes else { throw excess }
            }
        }

        private var excess: ModelInstallation.Failure {
            ModelInstallation.Failure(description: "\(archive) has more in it than any model has.")
        }

        /// The model's files are at the top, or in the one folder there; test recordings lie deeper. What leads out of the
        /// archive's own folder, and names that nobody can read, are none of them.
        private static func name(_ path: String) -> String? {
            let parts = path.replacing("\\", with: "/").split(separator: "/", omittingEmptySubsequences: false)
                .filter { $0 != "." }
            guard parts.count <= 2, !parts.contains(".."), parts.first?.isEmpty == false, let name = parts.last,
                !name.isEmpty, !name.hasPrefix("."), name.utf8.count <= 200,
                !name.unicodeScalars.contains(where: { $0.isUnprintable || $0 == "\u{FFFD}" })
            else { return nil }
            return String(name)
        }
    }
}
