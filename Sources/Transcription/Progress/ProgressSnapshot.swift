/// How far a recording is, at one moment: for the terminal, the status files and `parlograph status`.
package struct ProgressSnapshot: Sendable, Codable, Hashable {
    /// Printable name of the recording.
    package var name: String
    /// Chunks with a result or given up; cached and failed ones included.
    package var chunksDone: Int
    package var chunksCached: Int
    package var chunksFailed: Int
    package var chunksInFlight: Int
    /// nil as long as the recording's length is unknown.
    package var chunksExpected: Int?
    /// 0...1, never less than in an earlier snapshot; nil as long as the recording's length is unknown.
    package var fraction: Double?
    /// Since the recording was begun.
    package var elapsedSeconds: Double
    /// nil when it cannot be told.
    package var remainingSeconds: Double?
    /// How long nothing goes on because the engine takes no request (a pause that it asked for, a limit on requests or
    /// audio); nil when it is not so. `remainingSeconds` is nil then.
    package var engineWaitSeconds: Double?
    /// Why nothing goes on, without anybody knowing for how long; nil when something does. `remainingSeconds` is nil then.
    package var stall: ProgressStall?
    package var isFinished: Bool

    package init(
        name: String, chunksDone: Int, chunksCached: Int, chunksFailed: Int, chunksInFlight: Int,
        chunksExpected: Int?, fraction: Double?, elapsedSeconds: Double, remainingSeconds: Double?, isFinished: Bool
    ) {
        self.name = name
        self.chunksDone = chunksDone
        self.chunksCached = chunksCached
        self.chunksFailed = chunksFailed
        self.chunksInFlight = chunksInFlight
        self.chunksExpected = chunksExpected
        self.fraction = fraction
        self.elapsedSeconds = elapsedSeconds
        self.remainingSeconds = remainingSeconds
        self.isFinished = isFinished
    }
}
