import SystemSupport
package import Transcription

extension DependencyBackoff {
    /// What is told of a recording in work: with an engine that is known to be away it does not go on until that has
    /// answered, however hopeful its own figures are.
    /// - Parameter engine: nil: its inbox is gone from the settings.
    package func progress(of job: Job, with engine: String?, _ own: ProgressSnapshot) -> ProgressSnapshot {
        guard let engine, let outage = outage(of: job, with: engine) else { return own }
        var told = own
        told.stall = ProgressStall(
            .engineAway, seconds: Double(max(0, UnixTime.now() - outage.since)), cause: outage.cause)
        (told.remainingSeconds, told.engineWaitSeconds) = (nil, nil)
        return told
    }
}
