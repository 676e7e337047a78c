import CoreMetrics
import SystemSupport
import Testing

/// Prometheus' text format, read by a parser of its own.
@Suite struct MetricsRegistryTests {
    private static let families = [
        MetricFamily("jobs_total", .counter, "Jobs."), MetricFamily("waiting", .gauge, "Waiting."),
        MetricFamily("took_seconds", .histogram([0.1, 1, 10]), "Took."), MetricFamily("unused", .gauge, "Unused."),
        MetricFamily("audio_seconds_total", .counter, "Audio."),
    ]

    @Test func figuresAreThoseThatWereCounted() {
        let registry = MetricsRegistry(Self.families)
        for _ in 0..<3 { Counter(label: "jobs_total", dimensions: [("result", "ok")], factory: registry).increment() }
        Counter(label: "jobs_total", dimensions: [("result", "bad \"\\\n")], factory: registry).increment(by: 2)
        let gauge = Gauge(label: "waiting", dimensions: [("inbox", "/in")], factory: registry)
        gauge.record(7)
        gauge.record(4)
        let audio = FloatingPointCounter(label: "audio_seconds_total", factory: registry)
        audio.increment(by: 0.25)
        audio.increment(by: 12)
        let timer = Timer(label: "took_seconds", dimensions: [("engine", "e")], factory: registry)
        for seconds in [0.05, 0.5, 5, 50] { timer.recordNanoseconds(Int64(seconds * 1e9)) }
        Counter(label: "unknown_total", factory: registry).increment()
        #expect(
            registry.text == """
                # HELP jobs_total Jobs.
                # TYPE jobs_total counter
                jobs_total{result="bad \\"\\\\\\n"} 2
                jobs_total{result="ok"} 3
                # HELP waiting Waiting.
                # TYPE waiting gauge
                waiting{inbox="/in"} 4
                # HELP took_seconds Took.
                # TYPE took_seconds histogram
                took_seconds_bucket{engine="e",le="0.1"} 1
                took_seconds_bucket{engine="e",le="1"} 2
                took_seconds_bucket{engine="e",le="10"} 3
                took_seconds_bucket{engine="e",le="+Inf"} 4
                took_seconds_sum{engine="e"} 55.55
                took_seconds_count{engine="e"} 4
                # HELP audio_seconds_total Audio.
                # TYPE audio_seconds_total counter
                audio_seconds_total 12.25

                """)
        gauge.destroy()
        #expect(!registry.text.contains("waiting"))
    }
}
