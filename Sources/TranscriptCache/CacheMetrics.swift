import CoreMetrics

/// Look-ups of transcripts, by swift-metrics.
enum CacheMetrics {
    enum Answer: String {
        case memory, disk
        /// An equal chunk was on its way.
        case shared
        /// No level had it.
        case none
    }

    static func note(_ answer: Answer) {
        Counter(
            label: "parlograph_cache_lookups_total",
            dimensions: [("level", answer.rawValue), ("result", answer == .none ? "miss" : "hit")]
        ).increment()
    }
}
