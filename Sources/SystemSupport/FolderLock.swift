import CLinux
import Glibc
package import SystemPackage

/// Says that this process serves a folder, to other processes of the machine, for as long as the value lives and however
/// the process ends.
///
/// A name among the abstract Unix sockets, made of the folder's device and inode: it leaves nothing in the folder, and
/// unlike a lock on it does not keep its file system from being unmounted. It reaches as far as the network namespace.
///
/// Anybody may take such a name, so it counts only when the kernel says that its holder listens there and is a user who is
/// trusted. Past others' names, the next of a row of names is taken.
package final class FolderLock: Sendable {
    /// Another process serves the folder.
    package struct Held: Error, Hashable {
        /// Nil where it cannot be seen, for instance from a container.
        package let processID: Int32?
    }

    /// Who has taken a name without a right to the folder.
    package struct Squatter: Hashable, Sendable {
        /// As ss(8) shows it.
        package let name: String
        /// Nil where they cannot be seen.
        package let processID: Int32?
        package let userID: UInt32?
    }

    private enum Holder {
        case trusted(Int32?)
        case other(Squatter)
        /// Nobody answers: the name is free by now, or its holder does not listen, or not yet.
        case silent
    }

    /// Keeps the socket open until its thread has ended.
    private final class Door: Sendable {
        let socket: OwnedDescriptor
        init(_ socket: consuming OwnedDescriptor) { self.socket = socket }

        /// Connections are closed at once: a full queue would hide who listens.
        func attend() {
            while true {
                switch clinux_turn_away(socket.descriptor.rawValue) {
                case 0: continue
                case -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS: usleep(100_000)
                default: return
                }
            }
        }
    }

    private struct FolderIdentity: Equatable {
        let device: UInt64
        let inode: UInt64
        let owner: UInt32

        init(_ folder: FilePath) throws {
            let status = try FileStatus(at: folder)
            (device, inode) = (status.identity.device, status.identity.inode)
            owner = status.owner
        }

        func name(_ number: Int) -> String {
            "parlograph-folder-\(device)-\(inode)" + (number > 1 ? "-\(number)" : "")
        }

        static func == (a: FolderIdentity, b: FolderIdentity) -> Bool { a.device == b.device && a.inode == b.inode }
    }

    /// Names of the row; who takes them all stops no service, but hides two from each other.
    private static let maximumNames = 16
    /// How often one that is silent, or a rival that is about to give up, is asked again, and the pause between.
    private static let looks = 20
    private static let pause: UInt32 = 50_000

    private let door: Door
    private let place: FolderIdentity

    private init(_ socket: consuming OwnedDescriptor, _ place: FolderIdentity) {
        let door = Door(socket)
        Thread.start(name: "claim", stackBytes: 128 << 10) { door.attend() }
        self.door = door
        self.place = place
    }

    deinit { shutdown(door.socket.descriptor.rawValue, CInt(SHUT_RDWR)) }

    /// Blocks, for up to two seconds where a name is held by somebody who does not answer.
    /// - Parameters:
    ///   - users: whose claims count; nil: those of root, of this process's user and of the folder's owner.
    ///   - tell: is told of those whose claim does not count.
    /// - Returns: nil where there are no such names, or others hold all of them.
    /// - Throws: `Held`, also when this process has another claim; `SystemError` when the folder is not there.
    package static func take(
        _ folder: FilePath, trusting users: Set<UInt32>? = nil, squatter tell: (Squatter) -> Void = { _ in }
    ) throws -> FolderLock? {
        let place = try FolderIdentity(folder)
        let trusted = users ?? [0, geteuid(), place.owner]
        var (number, silences) = (1, 0)
        while number <= maximumNames {
            let made = clinux_hold_name(place.name(number))
            if made >= 0 {
                let claim = FolderLock(OwnedDescriptor(owning: FileDescriptor(rawValue: made)), place)
                try claim.yield(number, trusted)
                return claim
            }
            guard made == -EADDRINUSE else { return nil }
            switch holder(of: place.name(number), trusted) {
            case .trusted(let process): throw Held(processID: process)
            case .silent where silences < looks:
                silences += 1
                usleep(pause)
                continue
            case .silent:
                let seen = UnixSocketHolder.find(place.name(number))
                tell(Squatter(name: "@\(place.name(number))", processID: seen?.process, userID: seen?.user))
            case .other(let squatter): tell(squatter)
            }
            number += 1
        }
        return nil
    }

    /// A service of the folder may have another name of the row: a squatter was there when it came, and is gone now. Each
    /// listens before it looks, so that of two at least one sees the other. An older one stays where it is; of two that
    /// come at the same time the one with the later name gives up.
    /// - Parameter mine: the number of this claim's name.
    /// - Throws: `Held`.
    private func yield(_ mine: Int, _ trusted: Set<UInt32>) throws(Held) {
        var rival: Int32?
        for _ in 0..<Self.looks {
            var isAlone = true
            for number in 1...Self.maximumNames where number != mine {
                guard case .trusted(let process) = Self.holder(of: place.name(number), trusted) else { continue }
                guard number > mine else { throw Held(processID: process) }
                (isAlone, rival) = (false, process)
            }
            if isAlone { return }
            usleep(Self.pause)
        }
        throw Held(processID: rival)
    }

    private static func holder(of name: String, _ trusted: Set<UInt32>) -> Holder {
        var (process, user) = (pid_t(0), uid_t(0))
        guard clinux_name_holder(name, &process, &user) == 0 else { return .silent }
        let seen = process > 0 ? process : nil
        guard !trusted.contains(user) else { return .trusted(seen) }
        return .other(Squatter(name: "@\(name)", processID: seen, userID: user))
    }

    /// Whether `folder` is what was claimed; false where another folder has its name by now, or none. Blocks.
    package func covers(_ folder: FilePath) -> Bool { (try? FolderIdentity(folder)) == place }
}
