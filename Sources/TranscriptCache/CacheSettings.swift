package import SystemPackage

/// What the `[cache]` section of the configuration decides.
package struct CacheSettings: Sendable, Hashable {
    /// Where `cache.sqlite` lies; made when missing. Its content may be deleted at any time.
    package var directory: FilePath
    /// Bound of level 1, in bytes of stored JSON; 0 disables it.
    package var memoryBytes: Int64
    /// Bound of level 2, in bytes of used database pages; 0 disables it, and the folder is not touched.
    package var diskBytes: Int64
    /// Seconds from being stored to being forgotten; 0 keeps entries until they are evicted.
    package var timeToLiveSeconds: Int64

    package init(directory: FilePath, memoryBytes: Int64, diskBytes: Int64, timeToLiveSeconds: Int64) {
        self.directory = directory
        self.memoryBytes = max(0, memoryBytes)
        self.diskBytes = max(0, diskBytes)
        self.timeToLiveSeconds = max(0, timeToLiveSeconds)
    }

    /// False for an entry past its time, and for one from the future (a clock that was wrong when it was stored), which
    /// would otherwise never end.
    func isFresh(created: Int64, now: Int64) -> Bool {
        guard timeToLiveSeconds > 0 else { return true }
        return created > now - timeToLiveSeconds && created <= now + Self.clockSlackSeconds
    }

    /// Entries created before are expired; nil when none expires.
    func expiryLimit(now: Int64) -> Int64? { timeToLiveSeconds > 0 ? now - timeToLiveSeconds : nil }

    /// How far two clocks (or one that was set back) may differ.
    static let clockSlackSeconds: Int64 = 3600
}

/// Figures for `cache stats` and `status`.
package struct CacheStatistics: Sendable, Hashable {
    package var memoryEntries = 0
    /// Of stored JSON.
    package var memoryBytes: Int64 = 0
    /// Expired entries that are not yet removed included.
    package var diskEntries = 0
    /// Used pages of the database.
    package var diskBytes: Int64 = 0
    /// `cache.sqlite` with its `-wal` and `-shm`, as they lie on disk.
    package var fileBytes: Int64 = 0
    /// When the oldest entry on disk was stored, in seconds since 1970; nil when there is none.
    package var oldest: Int64?
    /// Since this process started.
    package var memoryHits = 0
    /// Answered from disk, not from memory.
    package var diskHits = 0
    /// Calls that waited for another call's equal chunk instead of asking the engine.
    package var sharedHits = 0
    /// Asked for and not known, so that an engine was asked.
    package var misses = 0
    /// Why the disk level is out of use or read-only at the moment, as a sentence; nil when it works or is disabled.
    package var diskFault: String?

    package var hits: Int { memoryHits + diskHits + sharedHits }

    package init() {}
}

/// What `prune` or `clear` did to the disk level.
package struct CacheRemoval: Sendable, Hashable {
    /// Entries removed because their time was over.
    package var expired = 0
    /// Entries removed because the level was over its bound, or because everything was to go.
    package var evicted = 0
    /// By how much the files got smaller.
    package var freedBytes: Int64 = 0
    /// Why it could not be done, or not all of it, as a sentence.
    package var fault: String?

    package init() {}
}
