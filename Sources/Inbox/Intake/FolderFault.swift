package import SystemPackage
package import SystemSupport

/// An inbox or a folder in it where recordings are not found as they should be.
package struct FolderFault: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case unreadable(Errno)
        /// The inbox has lost its file system: what lies there now is the bare mount point.
        case unmounted
        /// Another folder lies where the inbox was when its intake began.
        case replaced
        /// The limits of inotify are used up: recordings are found by scans only.
        case unwatched
    }

    /// Relative to the inbox; empty: the inbox itself.
    package let folder: RawName
    package let kind: Kind
    /// By the intake's clock.
    package let since: Duration
}

/// What is wrong with the folders of one inbox.
struct FolderFaults: Sendable {
    /// More are neither kept nor said.
    static let maximum = 100

    private var unreadable: [RawName: FolderFault] = [:]
    private var place: FolderFault?
    private var watch: FolderFault?
    /// Counts changes.
    private(set) var revision = 0

    /// The inbox itself first.
    var all: [FolderFault] {
        [place, watch].compactMap(\.self) + unreadable.values.sorted { $0.folder < $1.folder }
    }

    /// Takes a scan into account.
    /// - Parameters:
    ///   - found: folders that could not be read.
    ///   - folder: what was scanned, with all that is below it.
    /// - Returns: those of which it was not known.
    mutating func note(_ found: [InboxScan.Fault], below folder: RawName, at now: Duration) -> [InboxScan.Fault] {
        let before = unreadable
        unreadable = unreadable.filter { path, _ in
            !folder.bytes.isEmpty && path != folder && !path.isBelow(folder)
        }
        var new: [InboxScan.Fault] = []
        for fault in found where unreadable.count < Self.maximum {
            let kind = FolderFault.Kind.unreadable(fault.errno)
            let known = before[fault.folder].flatMap { $0.kind == kind ? $0 : nil }
            if known == nil { new.append(fault) }
            unreadable[fault.folder] = known ?? FolderFault(folder: fault.folder, kind: kind, since: now)
        }
        if unreadable != before { revision += 1 }
        return new
    }

    /// - Parameter kind: what is wrong with the place of the inbox; nil: nothing.
    mutating func notePlace(_ kind: FolderFault.Kind?, at now: Duration) { note(\.place, kind, at: now) }

    /// - Parameter isWhole: nothing of the inbox goes unwatched.
    mutating func noteWatch(isWhole: Bool, at now: Duration) { note(\.watch, isWhole ? nil : .unwatched, at: now) }

    private mutating func note(
        _ one: WritableKeyPath<Self, FolderFault?>, _ kind: FolderFault.Kind?, at now: Duration
    ) {
        guard self[keyPath: one]?.kind != kind else { return }
        self[keyPath: one] = kind.map { FolderFault(folder: RawName(bytes: []), kind: $0, since: now) }
        revision += 1
    }
}
