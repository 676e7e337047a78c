import Glibc
import Logging
import Synchronization
import SystemPackage
import SystemSupport

/// Writes `status.html` into outboxes: atomically, only what has changed, and never over a page that a person put there.
final class StatusPages: Sendable {
    private static let name: FilePath.Component = "status.html"
    /// The mark of our pages stands near the beginning.
    private static let head = 1024

    private let probe: OutboxProbe
    private let logger: Logger
    /// An outbox that hangs holds up no other's page.
    let calls = TimedCalls()
    private let written = Mutex<[FilePath: StatusPage]>([:])
    private let foreign = Mutex<Set<FilePath>>([])

    init(probe: OutboxProbe, logger: Logger) {
        self.probe = probe
        self.logger = logger
    }

    /// The outboxes that have a page of ours.
    var outboxes: Set<FilePath> { written.withLock { Set($0.keys) } }

    /// Writes a page if it has changed. Blocks.
    /// - Parameters:
    ///   - page: nil: takes away the one that was written before.
    ///   - now: seconds since 1970.
    func update(_ page: StatusPage?, in outbox: FilePath, now: Int64) {
        guard let page else {
            remove(from: outbox)
            return written.withLock { $0[outbox] = nil }
        }
        // A bare mount point is not the outbox.
        guard written.withLock({ $0[outbox] }) != page, (try? probe.checkMount(outbox)) != nil else { return }
        if write(page, to: outbox, now: now) { written.withLock { $0[outbox] = page } }
    }

    /// Takes away a page that an earlier run left where none is wanted now. Blocks.
    func remove(from outbox: FilePath) {
        guard let folder = try? OpenFolder(root: outbox), Self.isOurs(folder) == true else { return }
        try? folder.unlink(RawName(FilePath(root: nil, [Self.name])))
    }

    private func write(_ page: StatusPage, to outbox: FilePath, now: Int64) -> Bool {
        let isForeign: Bool
        do {
            let folder = try OpenFolder(root: outbox)
            isForeign = Self.isOurs(folder) == false
            if !isForeign {
                try AtomicFile.write(
                    Array(page.html(now: now).utf8), named: Self.name, in: folder.descriptor, rights: nil)
            }
        } catch {
            logger.debug("status page cannot be written", metadata: ["error": "\(error)"])
            return false
        }
        if isForeign {
            if foreign.withLock({ $0.insert(outbox).inserted }) {
                logger.warning(
                    "status.html in the outbox is not ours and stays as it is; there is no status page",
                    metadata: ["outbox": "\(outbox.printable)"])
            }
        }
        return !isForeign
    }

    /// nil: there is no such file.
    private static func isOurs(_ outbox: borrowing OpenFolder) -> Bool? {
        do {
            let file = try OwnedDescriptor(
                opening: FilePath(root: nil, [name]), from: outbox.descriptor,
                flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
            guard try FileStatus(of: file.descriptor).kind == .regular else { return false }
            var buffer = [UInt8](repeating: 0, count: head)
            let count = pread(file.descriptor.rawValue, &buffer, head, 0)
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).contains(StatusPage.mark)
        } catch let error as SystemError {
            return error.errno == .noSuchFileOrDirectory ? nil : false
        } catch {
            return false
        }
    }
}
