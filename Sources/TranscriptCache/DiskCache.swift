import GRDB
import Glibc
package import Logging
import Synchronization
import SystemPackage
import SystemSupport
package import Transcription

/// Level 2: stored results in `cache.sqlite`, with an age limit and a size bound.
///
/// Whatever happens to the file, no method throws: a fault is logged once with its cause and its remedy, and the level
/// goes out of use, for writing or altogether, until it is tried again. All methods block.
package final class DiskCache: Sendable {
    private struct State {
        var file: CacheFile?
        /// Not opened again before, in seconds since 1970.
        var closedUntil: Int64 = .min
        /// Not written before.
        var readOnlyUntil: Int64 = .min
        /// The fault that lasts, and what was logged about it.
        var fault: CacheFault?
        var nextUpkeep: Int64 = .min
    }

    /// What a body wants to do.
    private enum Access {
        /// Possible where writing is not. Makes no file: a look at the cache by the administrator must not leave one
        /// behind that the service may not write.
        case reading
        /// Of what is there already.
        case removing
        /// Makes the file when it is missing.
        case storing
    }

    let path: FilePath
    private let settings: CacheSettings
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let maximumPages: Int?
    private let state = Mutex(State())

    /// How long the level rests after a fault, before it is tried again.
    package static let restSeconds: Int64 = 60
    /// Time between two removals of expired entries in passing.
    private static let upkeepSeconds: Int64 = 600
    /// Eviction goes down to this share of the bound, so that it does not run at every store.
    private static let evictionShare = 0.9

    /// Does not touch the file: the first look-up opens it.
    /// - Parameter maximumPages: SQLite reports a full disk beyond; for tests.
    package init(
        settings: CacheSettings, logger: Logger, now: @escaping @Sendable () -> Int64, maximumPages: Int? = nil
    ) {
        self.settings = settings
        self.logger = logger
        self.now = now
        self.maximumPages = maximumPages
        path = settings.directory.appending("cache.sqlite")
    }

    deinit { state.withLock { $0.file?.close() } }

    /// The stored bytes and when they were stored; nil when there are none, they are too old or cannot be read.
    package func row(for key: CacheKey, kind: CacheFile.Kind) -> CacheFile.Row? {
        let now = now()
        let row = use(.reading) { try $0.row(for: key, kind: kind, now: now) }
        guard let row = row ?? nil else { return nil }
        guard settings.isFresh(created: row.created, now: now) else {
            remove(key)
            return nil
        }
        return row
    }

    /// Stores bytes, then keeps the level within its bounds. A value larger than a quarter of the bound is not stored.
    package func store(_ value: [UInt8], for key: CacheKey, kind: CacheFile.Kind) {
        guard Int64(value.count) <= settings.diskBytes / 4 else { return }
        let now = now()
        let upkeepIsDue = state.withLock { state in
            guard now >= state.nextUpkeep else { return false }
            state.nextUpkeep = now + Self.upkeepSeconds
            return true
        }
        use(.storing) { file in
            try file.store(value, for: key, kind: kind, now: now)
            if upkeepIsDue { _ = try removeExpired(in: file, now: now, all: false) }
            _ = try evict(in: file)
        }
    }

    func remove(_ key: CacheKey) { use(.removing) { try $0.remove(key) } }

    /// Removes what is expired or over the bound, and makes the file smaller.
    func prune() -> CacheRemoval {
        let now = now()
        return removal { file, removal in
            removal.expired = try removeExpired(in: file, now: now, all: true)
            removal.evicted = try evict(in: file)
        }
    }

    /// Removes everything and makes the file smaller.
    func clear() -> CacheRemoval {
        removal { file, removal in removal.evicted = try file.removeAll() }
    }

    /// Fills in what concerns the disk.
    func addFigures(to statistics: inout CacheStatistics) {
        if let figures = use(.reading, { try $0.figures() }) {
            statistics.diskEntries = figures.entries
            statistics.diskBytes = figures.bytes
            statistics.oldest = figures.oldest
        }
        statistics.fileBytes = CacheFile.fileBytes(at: path)
        statistics.diskFault = state.withLock { $0.fault?.sentence }
    }

    private func removeExpired(in file: CacheFile, now: Int64, all: Bool) throws -> Int {
        guard let limit = settings.expiryLimit(now: now) else { return 0 }
        return try file.removeExpired(before: limit, after: now + CacheSettings.clockSlackSeconds, all: all)
    }

    private func evict(in file: CacheFile) throws -> Int {
        guard try file.usedBytes() > settings.diskBytes else { return 0 }
        return try file.evict(downTo: Int64(Double(settings.diskBytes) * Self.evictionShare))
    }

    private func removal(_ body: (CacheFile, inout CacheRemoval) throws -> Void) -> CacheRemoval {
        // A person asked: try now, whatever was tried before.
        state.withLock { state in
            state.closedUntil = .min
            state.readOnlyUntil = .min
        }
        let before = CacheFile.fileBytes(at: path)
        var removal = CacheRemoval()
        guard !isMissing else { return removal }
        let done: Void? = use(.removing) { file in
            try body(file, &removal)
            try file.shrink()
        }
        removal.freedBytes = max(0, before - CacheFile.fileBytes(at: path))
        if done == nil {
            removal.fault = state.withLock { $0.fault?.sentence } ?? CacheFault.busy(path).sentence
        }
        return removal
    }

    // MARK: Faults

    /// Runs `body` on the open file; nil when the level is out of use or `body` failed. Never runs twice at a time.
    @discardableResult
    private func use<Value>(_ access: Access, _ body: (CacheFile) throws -> Value) -> Value? {
        state.withLock { state in
            // Twice: a file that was replaced or proves to be damaged is opened anew.
            for _ in 0..<2 {
                guard let file = openedFile(&state, for: access) else { return nil }
                do {
                    let value = try body(file)
                    if access != .reading { recovered(&state) }
                    return value
                } catch {
                    guard handle(error, in: file, &state) else { return nil }
                }
            }
            return nil
        }
    }

    private func openedFile(_ state: inout State, for access: Access) -> CacheFile? {
        let now = now()
        if access != .reading, now < state.readOnlyUntil { return nil }
        if let file = state.file {
            // After a rest, a file that was read-only is opened anew: it may have been opened for reading only.
            let isReadOnly = access != .reading && state.fault?.consequence == .readOnly
            if file.isInPlace, !isReadOnly { return file }
            close(&state)
        }
        guard now >= state.closedUntil else { return nil }
        if access != .storing, isMissing { return nil }
        for _ in 0..<2 {
            do {
                try makeDirectory()
                let file = try CacheFile(at: path, maximumPages: maximumPages)
                state.file = file
                return file
            } catch {
                guard handle(error, in: nil, &state) else { return nil }
            }
        }
        return nil
    }

    /// - Returns: true when the work is worth another attempt: the file was set aside, or another process held it.
    private func handle(_ error: any Error, in file: CacheFile?, _ state: inout State) -> Bool {
        let fault = CacheFault(error, at: path)
        switch fault.consequence {
        case .passing:
            // Two processes that make the file at the same moment do not wait for each other: what was paid for is
            // worth a second attempt.
            logger.debug("The cache was busy.", metadata: ["cache.file": "\(path.printable)"])
            return true
        case .readOnly:
            state.readOnlyUntil = now() + Self.restSeconds
        case .closed:
            close(&state)
            state.closedUntil = now() + Self.restSeconds
        case .damaged:
            // Another process may have set the file aside and made a new one meanwhile.
            let isOurs = file?.isInPlace ?? true
            close(&state)
            guard isOurs else { return true }
            if let aside = setAside() {
                logger.warning(
                    "The cache file was damaged and has been set aside; a new one is made. It can be deleted.",
                    metadata: ["cache.file": "\(aside.printable)", "error": "\(fault.reason)"])
                return true
            }
            state.closedUntil = now() + Self.restSeconds
        }
        if state.fault != fault {
            logger.warning(
                "The transcript cache is not fully usable.", metadata: ["error": "\(fault.sentence)"])
            state.fault = fault
        }
        return false
    }

    private func recovered(_ state: inout State) {
        guard state.fault != nil else { return }
        state.fault = nil
        logger.info("The transcript cache is usable again.", metadata: ["cache.file": "\(path.printable)"])
    }

    private var isMissing: Bool {
        do {
            _ = try FileStatus(at: path)
            return false
        } catch {
            return (error as? SystemError)?.errno == .noSuchFileOrDirectory
        }
    }

    private func close(_ state: inout State) {
        state.file?.close()
        state.file = nil
    }

    /// Renames the damaged file and its companions to `cache.sqlite.corrupt-N`. At most three are kept.
    /// - Returns: the new name; nil when it cannot be renamed.
    private func setAside() -> FilePath? {
        let candidates = (1...3).map { FilePath("\(path.string).corrupt-\($0)") }
        let isFree = { (path: FilePath) in (try? FileStatus(at: path, followingLinks: false)) == nil }
        guard let target = candidates.first(where: isFree) ?? candidates.last else { return nil }
        for (old, new) in zip(CacheFile.companions(of: path), CacheFile.companions(of: target)) {
            new.withPlatformString { _ = unlink($0) }
            let status = old.withPlatformString { old in new.withPlatformString { rename(old, $0) } }
            if status != 0, old == path { return nil }
        }
        return target
    }

    /// mkdir -p, for the user only.
    private func makeDirectory() throws {
        var at = FilePath(root: settings.directory.root)
        for component in settings.directory.components {
            at.append(component)
            if at.withPlatformString({ mkdir($0, 0o700) }) == 0 || errno == EEXIST { continue }
            let error = Errno(rawValue: errno)
            if (try? FileStatus(at: at))?.kind == .directory { continue }
            throw SystemError("mkdir", at.printable, errno: error)
        }
    }
}
