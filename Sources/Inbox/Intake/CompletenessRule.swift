package import SystemPackage
package import SystemSupport

/// Decides when a file of an inbox is a complete recording, from what was seen of it and when. Knows no clock and no
/// file system: see docs/decisions/0025.
package struct CompletenessRule: Sendable {
    /// How much of a recording is there that is not whole.
    package struct Shortfall: Sendable, Hashable {
        package let arrived: Int64
        /// At least; nil where only the end is known to be missing.
        package let expected: Int64?

        package init(arrived: Int64, expected: Int64?) {
            self.arrived = arrived
            self.expected = expected
        }
    }

    /// What the file itself says.
    package enum Contents: Sendable, Hashable {
        /// Its container declares a length, and it is there.
        case whole
        case short(Shortfall)
        /// The length is not declared.
        case open
        /// It is not declared, and no sound is there yet.
        case headerOnly
    }

    /// Whether somebody has the file open for writing, as far as the kernel tells.
    package enum Lease: Sendable {
        /// No process has it open for writing.
        case free
        case writer
        /// Cannot be had: a network or FUSE mount, or a file of somebody else without CAP_LEASE.
        case unknown
    }

    /// What one look at a candidate says.
    package enum Look: Sendable {
        case gone
        /// A link, a folder, a pipe, a socket or a device.
        case notARecording
        /// The inbox itself cannot be opened.
        case inboxAway
        case unreadable(Errno)
        /// It is open elsewhere in a way that forbids to open it (leases, deny modes of SMB).
        case locked
        /// No recording, whether it is whole or not (`ForeignFileRule`).
        case foreign(FileIdentity)
        /// A recording that has subtitles beside it, and is to be left alone therefore.
        case subtitled(FileIdentity)
        case present(FileIdentity, Lease, Contents)
    }

    /// Why a candidate is not taken yet.
    package enum Hindrance: Sendable, Hashable {
        /// Something may still happen to it: it cannot be known to be whole.
        case quiet
        /// A process has it open for writing.
        case writer
        /// It is open elsewhere in a way that forbids to open it.
        case locked
        case short(Shortfall)
        case unreadable(Errno)
        case inboxAway
    }

    /// A file that may become a recording.
    package struct Candidate: Sendable {
        package internal(set) var identity: FileIdentity?
        /// What the last scan saw, while no look has seen anything yet.
        var scannedIdentity: FileIdentity?
        /// By the clock that the rule is given, as all times here.
        package let foundAt: Duration
        /// By the last look; nil: there was none yet.
        package internal(set) var hindrance: Hindrance?
        /// When something was last seen to happen to it.
        package internal(set) var changedAt: Duration
        /// When it is looked at next.
        package internal(set) var dueAt: Duration
        /// The last thing that happened was that it was closed by a writer or got its name.
        package internal(set) var isClosed: Bool
        /// The longest time between two changes: how long its writer may pause.
        package internal(set) var maximumPause = Duration.zero
        /// An event or a scan told of a change that no look has seen yet.
        var isAnnounced = true
        var writerSeenAt: Duration?
        /// Looks that found a writer, or could not read it, in a row.
        var hindered = 0
        /// Nil while it is whole as far as is known.
        package internal(set) var shortfall: Shortfall?
        /// It was said in the log that it is short, still open or not readable.
        var isLogged = false
        /// A person was told that it is short, and as it is now.
        package internal(set) var isNoted = false
        var isNoteCurrent = false

        init(changedAt: Duration, dueAt: Duration, isClosed: Bool) {
            foundAt = changedAt
            self.changedAt = changedAt
            self.dueAt = dueAt
            self.isClosed = isClosed
        }

        /// One that a person was told of before this process began.
        init(noted identity: FileIdentity, at now: Duration) {
            self.init(changedAt: now, dueAt: now, isClosed: false)
            self.identity = identity
            isNoted = true
        }
    }

    /// What becomes of a candidate.
    package enum Outcome: Sendable, Hashable {
        case wait
        case drop
        case take(FileIdentity)
        /// It is no recording, or has subtitles, and stays where it is; should it change, it is looked at again.
        case leave(FileIdentity)
        /// `serve --once`: it is left as it is, and counted.
        case giveUp
    }

    /// What is to be said about it, once.
    package enum Remark: Sendable, Hashable {
        case unreadable(Errno)
        case stillOpen
        /// In the log.
        case short(Shortfall)
        /// To the person who copies it.
        case note(Shortfall)
        /// To the same person: it cannot be read.
        case noteUnreadable
    }

    /// Where leases tell nothing: CIFS defers the close by a second, NFS attribute caches lag by 2.5 s.
    private static let quietWithoutLease = Duration.seconds(10)
    /// The same where the file does not declare its length either: longer than stalls that were seen on shares (12 s).
    private static let quietWithoutProof = Duration.seconds(30)
    /// A writer that paused once may pause again, and longer.
    private static let pauseFactor = 3
    /// An empty file, or a header alone, may be the first half of a two-phase copy.
    private static let patienceWithEmptyFile = Duration.seconds(60)
    /// Then a person hears of it: long enough for a copy that is begun again by itself.
    private static let patienceBeforeNote = Duration.seconds(300)
    /// Nothing is waited for longer than this: an NFS server holds a dead client's file open for minutes.
    private static let patience = Duration.seconds(900)
    /// `serve --once` ends, whatever somebody keeps open.
    private static let patienceOnce = Duration.seconds(60)
    /// Right after a close the kernel still counts the writer now and then, 92 ms at the longest seen.
    private static let writerPauses: [Duration] = [
        .milliseconds(5), .milliseconds(10), .milliseconds(20), .milliseconds(40), .milliseconds(60),
        .milliseconds(100), .milliseconds(500), .seconds(1), .seconds(2), .seconds(5),
    ]
    private static let unreadablePause = Duration.seconds(30)
    /// Some servers make a file before they give it its rights: a person hears of it only at the third look.
    private static let looksAtUnreadable = 3
    private static let longPause = Duration.seconds(3600)

    package let settle: Duration
    package let once: Bool

    /// - Parameters:
    ///   - settle: how long nothing must have happened to a file that cannot be known to be whole.
    ///   - once: nothing is waited for without an end.
    package init(settle: Duration, once: Bool) {
        self.settle = settle
        self.once = once
    }

    /// Something happened to a file, or it was found.
    /// - Parameter isClosed: it was closed by a writer, or got its name: whether it is whole can be asked at once.
    package func observeChange(of candidate: inout Candidate?, at now: Duration, isClosed: Bool) {
        let dueAt = isClosed ? now : now + settle
        guard var known = candidate else {
            candidate = Candidate(changedAt: now, dueAt: dueAt, isClosed: isClosed)
            return
        }
        change(&known, at: now)
        known.isClosed = isClosed
        known.isAnnounced = true
        known.dueAt = dueAt
        candidate = known
    }

    /// A scan came across a file: whether it is another one than before, or has other contents, is all that it tells.
    package func observeScan(of candidate: inout Candidate?, _ identity: FileIdentity, at now: Duration) {
        let known = candidate.flatMap { $0.identity ?? $0.scannedIdentity ?? identity }
        // One that was closed this moment is looked at next, whatever it was before.
        let isDue = candidate.map { $0.isClosed && $0.isAnnounced } ?? false
        if known != identity, !isDue { observeChange(of: &candidate, at: now, isClosed: false) }
        candidate?.scannedIdentity = identity
    }

    private func change(_ candidate: inout Candidate, at now: Duration) {
        // The time in which it could not be read was no pause of its writer.
        if case .unreadable = candidate.hindrance {
            candidate.hindrance = nil
        } else {
            candidate.maximumPause = max(candidate.maximumPause, now - candidate.changedAt)
        }
        candidate.changedAt = now
        candidate.hindered = 0
        candidate.isClosed = false
        candidate.isLogged = false
        candidate.isNoteCurrent = false
    }

    /// Takes a look into account.
    package func judge(_ candidate: inout Candidate, _ look: Look, at now: Duration) -> (Outcome, Remark?) {
        switch look {
        case .gone, .notARecording:
            return (.drop, nil)
        case .foreign(let identity), .subtitled(let identity):
            candidate.identity = identity
            return (.leave(identity), nil)
        case .inboxAway:
            candidate.hindrance = .inboxAway
            candidate.dueAt = now + .seconds(5)
            return (once ? .drop : .wait, nil)
        case .unreadable(let errno):
            candidate.hindrance = .unreadable(errno)
            var remark: Remark? = candidate.isLogged ? nil : .unreadable(errno)
            candidate.isLogged = true
            candidate.hindered += 1
            candidate.dueAt = now + (once ? .seconds(1) : Self.unreadablePause)
            let isGivenUp = once && candidate.hindered > Self.looksAtUnreadable
            if candidate.hindered == Self.looksAtUnreadable || isGivenUp, !candidate.isNoteCurrent {
                (candidate.isNoted, candidate.isNoteCurrent) = (true, true)
                remark = .noteUnreadable
            }
            return (isGivenUp ? .giveUp : .wait, remark)
        case .locked:
            candidate.hindrance = .locked
            return busy(&candidate, contents: .open, at: now)
        case .present(let identity, let lease, let contents):
            if let known = candidate.identity, known != identity, !candidate.isAnnounced { change(&candidate, at: now) }
            candidate.isAnnounced = false
            candidate.identity = identity
            if lease == .writer {
                candidate.hindrance = .writer
                return busy(&candidate, contents: contents, at: now)
            }
            candidate.hindered = 0
            if case .short(let shortfall) = contents {
                candidate.hindrance = .short(shortfall)
                return short(&candidate, shortfall, lease, at: now)
            }
            (candidate.shortfall, candidate.hindrance) = (nil, .quiet)
            let isWholeForSure = lease == .free && contents == .whole && candidate.isClosed
            let quiet = isWholeForSure ? .zero : quiet(candidate, identity, lease, contents)
            let since = max(candidate.changedAt, candidate.writerSeenAt ?? candidate.changedAt)
            guard isWholeForSure || now - since >= quiet else {
                candidate.dueAt = since + quiet
                return (.wait, nil)
            }
            return (.take(identity), nil)
        }
    }

    private func quiet(
        _ candidate: Candidate, _ identity: FileIdentity, _ lease: Lease, _ contents: Contents
    ) -> Duration {
        if identity.byteCount == 0 || contents == .headerOnly, !once { return max(settle, Self.patienceWithEmptyFile) }
        switch (lease, contents) {
        case (.free, _), (.writer, _): return settle
        case (.unknown, .whole): return max(settle, Self.quietWithoutLease)
        case (.unknown, _):
            let asPaused = min(candidate.maximumPause * Self.pauseFactor, Self.patience)
            return max(settle, Self.quietWithoutProof, asPaused)
        }
    }

    private func busy(_ candidate: inout Candidate, contents: Contents, at now: Duration) -> (Outcome, Remark?) {
        candidate.writerSeenAt = now
        candidate.dueAt = now + Self.writerPauses[min(candidate.hindered, Self.writerPauses.count - 1)]
        candidate.hindered += 1
        let unchanged = now - candidate.changedAt
        if once, unchanged >= Self.patienceOnce { return (.giveUp, .stillOpen) }
        guard unchanged >= Self.patience else { return (.wait, nil) }
        // A client that died holding it: what is whole is not kept from being taken by that.
        if contents == .whole, let identity = candidate.identity { return (.take(identity), nil) }
        let remark: Remark? = candidate.isLogged ? nil : .stillOpen
        candidate.isLogged = true
        return (.wait, remark)
    }

    /// Never taken as it is, however long it lies there: the rest may come, or a person does something about it.
    private func short(
        _ candidate: inout Candidate, _ shortfall: Shortfall, _ lease: Lease, at now: Duration
    ) -> (Outcome, Remark?) {
        candidate.shortfall = shortfall
        let quiet = lease == .free ? settle : max(settle, Self.quietWithoutLease)
        let unchanged = now - candidate.changedAt
        if unchanged < quiet {
            candidate.dueAt = candidate.changedAt + quiet
            return (.wait, nil)
        }
        if once { return (.giveUp, .note(shortfall)) }
        if unchanged < Self.patienceBeforeNote {
            candidate.dueAt = candidate.changedAt + Self.patienceBeforeNote
            defer { candidate.isLogged = true }
            return (.wait, candidate.isLogged ? nil : .short(shortfall))
        }
        candidate.dueAt = now + Self.longPause
        defer { (candidate.isNoted, candidate.isNoteCurrent) = (true, true) }
        return (.wait, candidate.isNoteCurrent ? nil : .note(shortfall))
    }
}
