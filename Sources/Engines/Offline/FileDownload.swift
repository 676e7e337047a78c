import CCurl
import Glibc
package import SystemPackage
package import SystemSupport

/// A large file from a web server into a file here; what is there of it already is not fetched again.
///
/// Beside a part of the file lies what the server said of the whole (`PartOrigin`), so that parts of two files are never
/// joined: another address, or another file under the same address, begins anew.
package struct FileDownload {
    /// Why it did not work, for people.
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    /// Less for so long is no connection any more.
    static let stallSeconds = 60
    /// A connection that breaks is made again so often, as long as each brings something.
    private static let maximumAttempts = 30

    private let url: String
    private let path: FilePath
    private let limit: Int64
    private let byteCount: Int64?
    private let flag: CancellationFlag
    private let progress: (Int64, Int64?) -> Void

    /// - Parameters:
    ///   - path: of the file that grows here; what it is a part of lies beside it.
    ///   - limit: no file has more bytes.
    ///   - byteCount: of the file; nil where it is not known.
    ///   - progress: is told how many bytes there are, and how many there will be.
    package init(
        _ url: String, to path: FilePath, limit: Int64, byteCount: Int64? = nil,
        cancellation: CancellationFlag = CancellationFlag(),
        progress: @escaping (_ fetched: Int64, _ total: Int64?) -> Void
    ) {
        self.url = url
        self.path = path
        self.limit = limit
        self.byteCount = byteCount
        flag = cancellation
        self.progress = progress
    }

    /// The address for people and files: user, password and query may be secret.
    package static func shown(_ url: String) -> String {
        let bare = url.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = bare.firstRange(of: "://") else { return String(bare) }
        let authority = bare[scheme.upperBound...].prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return String(bare) }
        return String(bare[..<scheme.upperBound] + bare[bare.index(after: at)...])
    }

    /// Removes a part and what is known of it.
    package static func remove(_ path: FilePath) {
        for path in [path, PartOrigin.place(of: path)] { _ = path.withPlatformString { unlink($0) } }
    }

    /// Goes on where the file ends. Blocks until the whole is there.
    /// - Throws: `Failure`, `SystemError`; `CancellationError` soon after the flag is set.
    package func fetch() throws {
        let file = try OwnedDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o644)
        var begun = 0
        var most: Int64 = -1
        for _ in 0..<Self.maximumAttempts {
            let there = try FileStatus(of: file.descriptor).identity.byteCount
            let origin = there > 0 ? PartOrigin.read(beside: path, of: url) : nil
            if let origin, origin.total == there { return }
            // Without a name of its version nobody can tell whether the server still has the same file.
            let useful = origin?.version == nil ? 0 : there
            most = max(most, useful)
            let transfer = FileTransfer(
                file: file.descriptor.rawValue, path: path, url: url, origin: origin, there: useful, limit: limit,
                expected: byteCount, flag: flag, progress: progress)
            switch try transfer.run() {
            case .whole:
                guard fsync(file.descriptor.rawValue) == 0 else {
                    throw SystemError("fsync", path.printable, errno: Errno(rawValue: errno))
                }
                return
            case .cancelled:
                tidyPart(of: file.descriptor)
                throw CancellationError()
            case .anew:
                begun += 1
                ftruncate(file.descriptor.rawValue, 0)
                guard begun <= 2 else { throw failure("what the server sends does not fit together", file.descriptor) }
            case .broken(let reason):
                let now = try FileStatus(of: file.descriptor).identity.byteCount
                guard transfer.hasBegun, now > most else { throw failure(reason, file.descriptor) }
                most = now
            case .failed(let reason): throw failure(reason, file.descriptor)
            }
        }
        throw failure("the connection breaks again and again", file.descriptor)
    }

    private func failure(_ reason: String, _ file: FileDescriptor) -> Failure {
        var text = "\(Self.shown(url)) cannot be had: \(reason)."
        if tidyPart(of: file), let bytes = try? FileStatus(of: file).identity.byteCount {
            text +=
                " What came of it, \(ByteCount.text(bytes)), stays in \(path.printable); the same command goes on there."
        }
        return Failure(description: text)
    }

    /// Removes what came where the next one will not go on there; a part of something else may be wanted again.
    /// - Returns: whether a part stays.
    @discardableResult
    private func tidyPart(of file: FileDescriptor) -> Bool {
        let isEmpty = (try? FileStatus(of: file).identity.byteCount) == 0
        let origin = PartOrigin.read(beside: path, of: url)
        if !isEmpty, origin?.version != nil { return true }
        if isEmpty || origin != nil { Self.remove(path) }
        return false
    }
}

/// What the part of a file is a part of.
struct PartOrigin: Equatable {
    /// Of the address without its query, in which a key that changes may stand.
    let address: String
    /// What the server calls this version of the file; nil where it has no name for it.
    var version: String?
    /// Bytes of the whole; nil where the server did not say.
    var total: Int64?

    private static let maximumBytes = 4096

    init(of url: String) {
        var hash = SHA256()
        Array(FileDownload.shown(url).utf8).withUnsafeBytes { hash.update($0) }
        address = hash.finish().description
    }

    static func place(of part: FilePath) -> FilePath {
        var place = part
        place.extension = "origin"
        return place
    }

    /// Nil where nothing is known, or the part is of something else.
    static func read(beside part: FilePath, of url: String) -> PartOrigin? {
        guard let bytes = try? SmallFile.read(place(of: part), limit: maximumBytes) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        var origin = PartOrigin(of: url)
        guard lines.count == 4, lines[0] == origin.address else { return nil }
        origin.version = lines[1].isEmpty ? nil : String(lines[1])
        origin.total = Int64(lines[2])
        return origin
    }

    /// - Throws: `SystemError`.
    func write(beside part: FilePath) throws {
        let file = try OwnedDescriptor(
            opening: Self.place(of: part), flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
        let text = "\(address)\n\(version ?? "")\n\(total.map(String.init) ?? "")\n"
        _ = try file.descriptor.writeAll(Array(text.utf8))
    }
}
