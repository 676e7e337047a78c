import CoreMetrics
package import SystemSupport
import Transcription

/// What the service counts for monitoring, by swift-metrics: where the figures go is decided by who starts the process. No
/// label holds the name of a recording.
package enum ServiceMetrics {
    /// Names, types and explanations of all of them.
    package static let families: [MetricFamily] = [
        MetricFamily("parlograph_build_info", .gauge, "1, with the version of the running service."),
        MetricFamily(
            "parlograph_recordings_total", .counter,
            "Recordings that came to their end since the start, by what became of them."),
        MetricFamily(
            "parlograph_recordings_waiting", .gauge, "Recordings that wait, by what for; turn is the queue itself."),
        MetricFamily(
            "parlograph_oldest_waiting_seconds", .gauge,
            "How long the oldest recording has waited that has no transcript and has not failed; 0 where there is none."
        ),
        MetricFamily(
            "parlograph_last_delivery_timestamp_seconds", .gauge, "When a transcript was last delivered, as Unix time."),
        MetricFamily("parlograph_outbox_writable", .gauge, "1 while the outbox can be written to, as far as is known."),
        MetricFamily("parlograph_audio_seconds_total", .counter, "Seconds of audio that an engine has transcribed."),
        MetricFamily("parlograph_engine_requests_total", .counter, "Requests to an engine, by how they ended."),
        MetricFamily(
            "parlograph_engine_request_duration_seconds", .histogram([0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 900]),
            "How long requests to an engine took, whatever their end."),
        MetricFamily(
            "parlograph_cache_lookups_total", .counter,
            "Look-ups of transcripts in the cache, by the level that answered; none for those that no level could."),
        MetricFamily("parlograph_hook_failures_total", .counter, "Attempts of hooks and webhooks that failed."),
    ]

    private static func counter(_ name: String, _ labels: (String, String)...) -> Counter {
        Counter(label: "parlograph_\(name)", dimensions: labels)
    }

    private static func gauge(_ name: String, _ labels: (String, String)...) -> Gauge {
        Gauge(label: "parlograph_\(name)", dimensions: labels)
    }

    package static func noteBuild(version: String) { gauge("build_info", ("version", version)).record(1) }

    static func noteEnd(of job: Job, as state: Job.State, now: Int64) {
        let inbox = job.inbox.printable
        counter("recordings_total", ("inbox", inbox), ("result", state.rawValue)).increment()
        if state != .failed { noteDelivery(in: inbox, at: now) }
    }

    static func noteDelivery(in inbox: String, at time: Int64) {
        gauge("last_delivery_timestamp_seconds", ("inbox", inbox)).record(time)
    }

    static func noteHookFailure(_ call: HookCall) {
        let hook = call.kind == .program ? call.event.key : call.kind.rawValue
        counter("hook_failures_total", ("inbox", call.inbox.printable), ("hook", hook)).increment()
    }

    static func noteAudio(seconds: Double, engine: String) {
        FloatingPointCounter(label: "parlograph_audio_seconds_total", dimensions: [("engine", engine)])
            .increment(by: seconds)
    }

    static func noteRequest(engine: String, outcome: String, lasted: Duration) {
        counter("engine_requests_total", ("engine", engine), ("outcome", outcome)).increment()
        Timer(label: "parlograph_engine_request_duration_seconds", dimensions: [("engine", engine)])
            .recordNanoseconds(Int64(max(0, lasted / .nanoseconds(1))))
    }

    /// What a scrape is to find of an inbox.
    struct InboxFigures: Sendable {
        /// By `WaitingReason.word` and `arriving`.
        var waiting: [String: Int]
        /// Seconds.
        var oldest: Int64
        var isWritable: Bool
    }

    static let waitingReasons = ["turn", "later", "engine", "outbox", "space", "arriving"]

    static func note(_ figures: InboxFigures, of inbox: String) {
        for reason in waitingReasons {
            gauge("recordings_waiting", ("inbox", inbox), ("reason", reason)).record(figures.waiting[reason] ?? 0)
        }
        gauge("oldest_waiting_seconds", ("inbox", inbox)).record(figures.oldest)
        gauge("outbox_writable", ("inbox", inbox)).record(figures.isWritable ? 1 : 0)
    }

    /// An inbox that is not served any more is not told of.
    static func forget(_ inbox: String) {
        for reason in waitingReasons { gauge("recordings_waiting", ("inbox", inbox), ("reason", reason)).destroy() }
        for name in ["oldest_waiting_seconds", "outbox_writable", "last_delivery_timestamp_seconds"] {
            gauge(name, ("inbox", inbox)).destroy()
        }
    }
}
