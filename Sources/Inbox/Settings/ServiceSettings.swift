package import SystemPackage

/// What the watch-folder service is to do.
package struct ServiceSettings: Sendable {
    package var inboxes: [InboxSettings]
    package var stateDirectory: FilePath
    package var cacheDirectory: FilePath
    /// Recordings that are worked on at the same time.
    package var parallelRecordings: Int
    /// How long recordings in work may go on when the service is to stop.
    package var shutdown: Duration
    /// How often progress is written down.
    package var progressInterval: Duration
    /// No recording is begun with less than this free at the outbox, the state or the cache; 0: never mind.
    package var minimumFreeBytes: Int64
    /// Empty the inboxes, then return.
    package var once: Bool
    /// Where figures for monitoring are written to, besides the state directory; nil: nowhere.
    package var metricsFile: FilePath?

    package init(
        inboxes: [InboxSettings], stateDirectory: FilePath, cacheDirectory: FilePath, parallelRecordings: Int,
        shutdown: Duration, progressInterval: Duration, minimumFreeBytes: Int64, once: Bool
    ) {
        self.inboxes = inboxes
        self.stateDirectory = stateDirectory
        self.cacheDirectory = cacheDirectory
        self.parallelRecordings = parallelRecordings
        self.shutdown = shutdown
        self.progressInterval = progressInterval
        self.minimumFreeBytes = minimumFreeBytes
        self.once = once
    }
}
