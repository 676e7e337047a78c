/// Tells when more requests at once only wait for each other: many servers take any number and work one by one.
///
/// What a request takes that has the server to itself, against what it takes among many, says how many are really worked
/// on. That is taken for a hint only, and only where latencies are steady; then fewer are tried, and if as much audio comes
/// back in the same time, they stay fewer. (After the gradient limiters of Netflix and Vector, with a trial in place of
/// trust in latencies.)
package struct SaturationDetector: Sendable {
    package enum Advice: Sendable, Hashable {
        case none
        /// Try so many.
        case fewer(Int)
        /// It was slower: back to so many.
        case back(Int)
    }

    /// A request that has succeeded.
    package struct Sample: Sendable {
        /// Under way with it when it was sent.
        package var level: Int
        /// By the controller's clock, as `finished`.
        package var sent: Duration
        package var finished: Duration
        /// In samples.
        package var audio: Int64

        package init(level: Int, sent: Duration, finished: Duration, audio: Int64) {
            self.level = level
            self.sent = sent
            self.finished = finished
            self.audio = audio
        }

        fileprivate var latencyPerAudio: Double { (finished - sent) / .seconds(1) / Double(max(1, audio)) }
    }

    /// Standard deviation by mean up to which latencies are steady.
    private static let steady = 0.25
    /// Share of the throughput that fewer must reach.
    private static let asMuch = 0.9
    /// A number of hands that is this little above a whole one is that one.
    private static let inaccuracy = 0.25
    private static let firstHold = Duration.seconds(600)

    /// Latency per sample of audio of those that were alone, recent ones counting more.
    private var alone: Double?
    private var samples: [Sample] = []
    private var limit = 0
    private var trial: (from: Int, throughput: Double)?
    private var holdUntil = Duration.zero
    private var hold = firstHold

    package init() {}

    /// - Parameters:
    ///   - limit: at the moment.
    ///   - isFull: so many were under way when it succeeded.
    package mutating func take(_ sample: Sample, limit: Int, isFull: Bool) -> Advice {
        if sample.level == 1 { alone = alone.map { $0 * 0.8 + sample.latencyPerAudio * 0.2 } ?? sample.latencyPerAudio }
        if limit != self.limit {
            self.limit = limit
            samples = []
        }
        guard isFull, sample.level >= limit, sample.finished >= holdUntil else { return .none }
        samples.append(sample)
        guard samples.count > 3 * limit, let first = samples.first else { return .none }
        defer { samples = [sample] }
        let took = (sample.finished - first.finished) / .seconds(1)
        let throughput = took > 0 ? Double(samples.dropFirst().reduce(0) { $0 + $1.audio }) / took : .infinity
        if let trial {
            self.trial = nil
            holdUntil = sample.finished + hold
            if throughput >= trial.throughput * Self.asMuch { return .none }
            hold = hold * 2
            return .back(trial.from)
        }
        guard let useful = usefulLevel(), useful < limit else { return .none }
        trial = (limit, throughput)
        return .fewer(useful)
    }

    /// Something else has changed the limit: what was being tried cannot be compared any more.
    package mutating func interrupt() {
        trial = nil
        samples = []
    }

    /// One more than are really worked on, so that the next is there when one is done.
    private func usefulLevel() -> Int? {
        guard let alone else { return nil }
        let latencies = samples.map(\.latencyPerAudio)
        let mean = latencies.reduce(0, +) / Double(latencies.count)
        let variance = latencies.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(latencies.count)
        guard mean > 0, variance.squareRoot() <= Self.steady * mean else { return nil }
        return max(1, Int((Double(limit) * alone / mean - Self.inaccuracy).rounded(.up))) + 1
    }
}
