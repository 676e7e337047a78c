import Synchronization

/// Follows the chunks of one recording and tells at any moment how far it is and how long it will take.
///
/// The estimate stands from the first moment on: by the rate remembered for the engine, then more and more by what is
/// measured. The rest is laid out over the slots in flight, so that a last wave that is not full counts as a whole one.
package final class ProgressTracker: Sendable {
    package enum Ending: Sendable, Hashable { case transcribed, cached, failed }

    private struct Waiting {
        var samples: Int64
        /// Since when it is in flight, nil while it waits.
        var since: Duration?
        /// Since when anybody works at it.
        var begun: Duration?
        /// When its next attempt may begin, where one has failed.
        var pausedUntil: Duration?
        /// An attempt failed, and not because the engine asked to be left alone.
        var hasFailed = false
    }

    private struct State {
        var expectedSamples: Int64?
        var expectedChunks: Int?
        var concurrency: Int
        /// Chunks that are found and not done.
        var open: [Int: Waiting] = [:]
        var found = (chunks: 0, samples: Int64(0))
        var done = (chunks: 0, samples: Int64(0))
        var cached = 0
        var failed = 0
        /// What an engine worked on with success, and for how long, added over the slots.
        var measured = (samples: Int64(0), seconds: 0.0)
        var firstStart: Duration?
        /// When the first request was sent that came after the last answer.
        var unansweredSince: Duration?
        /// What the engine said since the last answer.
        var failure: String?
        /// When a chunk was last cut, or under way and is not any more.
        var lastMove = Duration.zero
        var isComplete = false
        var isFinished = false
        var shownFraction = 0.0
    }

    /// How long the engine lets nobody begin a request, nil when it does.
    package let engineWait: @Sendable () -> Duration?
    /// How long the engine has answered nobody, nil when it does.
    private let engineAway: @Sendable () -> Duration?

    /// Requests that may begin in a minute; nil: as many as there are.
    private let requestsPerMinute: @Sendable () -> Int?

    /// A shorter wait is part of the work.
    private static let minimumWait = 10.0

    private let name: String
    private let priorRate: Double
    private let uptime: @Sendable () -> Duration
    private let begin: Duration
    private let state: Mutex<State>

    /// - Parameters:
    ///   - name: printable.
    ///   - expectedSamples: of the whole recording, nil when unknown.
    ///   - expectedChunks: of the plan, nil when unknown.
    ///   - concurrency: chunks in flight at the same time.
    ///   - priorRate: seconds of audio that one chunk in flight gains in a second, before anything was measured.
    ///   - engineWait: see there.
    ///   - engineAway: how long the engine has answered nobody, whoever asked; nil when it does.
    ///   - requestsPerMinute: that may begin, whoever wants to; nil: as many as there are.
    ///   - uptime: a clock that only goes forward; its zero does not matter.
    package init(
        name: String, expectedSamples: Int64?, expectedChunks: Int?, concurrency: Int, priorRate: Double,
        engineWait: @escaping @Sendable () -> Duration? = { nil },
        engineAway: @escaping @Sendable () -> Duration? = { nil },
        requestsPerMinute: @escaping @Sendable () -> Int? = { nil }, uptime: @escaping @Sendable () -> Duration
    ) {
        self.engineWait = engineWait
        self.engineAway = engineAway
        self.requestsPerMinute = requestsPerMinute
        self.name = name
        self.priorRate = priorRate.isFinite ? max(0.001, priorRate) : 1
        self.uptime = uptime
        begin = uptime()
        state = Mutex(
            State(
                expectedSamples: expectedSamples.flatMap { $0 > 0 ? $0 : nil }, expectedChunks: expectedChunks,
                concurrency: max(1, concurrency)))
    }

    /// By the machine's steady clock.
    package convenience init(
        name: String, expectedSamples: Int64?, expectedChunks: Int?, concurrency: Int, priorRate: Double,
        engineWait: @escaping @Sendable () -> Duration? = { nil },
        engineAway: @escaping @Sendable () -> Duration? = { nil },
        requestsPerMinute: @escaping @Sendable () -> Int? = { nil }
    ) {
        let start = ContinuousClock.now
        self.init(
            name: name, expectedSamples: expectedSamples, expectedChunks: expectedChunks, concurrency: concurrency,
            priorRate: priorRate, engineWait: engineWait, engineAway: engineAway,
            requestsPerMinute: requestsPerMinute, uptime: { ContinuousClock.now - start })
    }

    // MARK: What happens

    /// The recording was opened and its cutting planned; nil where header and bit rate tell nothing.
    package func planned(samples: Int64?, chunks: Int?) {
        state.withLock { state in
            state.expectedSamples = samples.flatMap { $0 > 0 ? $0 : nil }
            state.expectedChunks = chunks
        }
    }

    /// A chunk was cut and waits. A second call for the same chunk changes nothing.
    /// - Parameter samples: the part that it answers for (`Chunk.owned`), so that overlap does not count twice.
    package func found(chunk index: Int, samples: Int64) {
        let now = uptime()
        state.withLock { state in
            guard state.open[index] == nil else { return }
            state.lastMove = now
            state.open[index] = Waiting(samples: max(0, samples))
            state.found.chunks += 1
            state.found.samples += max(0, samples)
        }
    }

    /// An attempt began.
    package func started(chunk index: Int) {
        let now = uptime()
        state.withLock { state in
            state.open[index]?.since = now
            if state.open[index]?.begun == nil { state.open[index]?.begun = now }
            if state.firstStart == nil { state.firstStart = now }
            if state.unansweredSince == nil { state.unansweredSince = now }
        }
    }

    /// An attempt failed and another one will come: the chunk waits again.
    /// - Parameters:
    ///   - cause: in a sentence for an administrator.
    ///   - isBusy: the engine is there, and asked for the pause.
    package func interrupted(chunk index: Int, pause: Duration = .zero, cause: String? = nil, isBusy: Bool = false) {
        let now = uptime()
        state.withLock { state in
            state.open[index]?.since = nil
            state.open[index]?.pausedUntil = now + pause
            state.lastMove = now
            // After a long pause that it asked for it is asked as if for the first time.
            let isPatience = isBusy && pause.seconds >= Self.minimumWait
            state.open[index]?.hasFailed = !isPatience
            if isPatience, state.open.values.allSatisfy({ $0.since == nil }) { state.unansweredSince = nil }
            state.failure = cause
        }
    }

    /// The chunk is done; a chunk that was not found before is not counted.
    package func ended(chunk index: Int, as ending: Ending) {
        let now = uptime()
        state.withLock { state in
            guard let chunk = state.open.removeValue(forKey: index) else { return }
            state.lastMove = now
            if ending == .transcribed {
                state.unansweredSince = state.open.values.contains { $0.since != nil } ? now : nil
                state.failure = nil
                for open in state.open.keys { state.open[open]?.hasFailed = false }
            }
            state.done.chunks += 1
            state.done.samples += chunk.samples
            switch ending {
            case .cached: state.cached += 1
            case .failed: state.failed += 1
            case .transcribed:
                guard let since = chunk.since else { return }
                state.measured.samples += chunk.samples
                state.measured.seconds += (now - since).seconds
            }
        }
    }

    /// The last chunk was found: the recording's length is known now.
    package func foundAll() {
        state.withLock { state in
            state.isComplete = true
            state.expectedSamples = state.found.samples
            state.expectedChunks = state.found.chunks
        }
    }

    /// The number of chunks in flight that the concurrency controller allows has changed.
    package func allowed(concurrency: Int) { state.withLock { $0.concurrency = max(1, concurrency) } }

    /// The sidecars are written.
    package func finish() {
        state.withLock { $0.isFinished = true }
    }

    // MARK: What is told

    package func snapshot() -> ProgressSnapshot {
        let now = uptime()
        let (engineWait, engineAway, perMinute) = (engineWait(), engineAway(), requestsPerMinute())
        return state.withLock { state in
            let rate = Outlook.rate(state, priorRate: priorRate)
            var stall = state.isFinished ? nil : Self.stall(state, rate: rate, engineAway: engineAway, now: now)
            let wait = state.isFinished ? nil : Self.wait(state, engine: engineWait, now: now)
            // A time that the engine named is better than none.
            let isWaiting = (wait ?? 0) >= Self.minimumWait && stall?.reason != .engineAway
            if isWaiting { stall = nil }
            let outlook = Outlook(state, priorRate: priorRate, now: now)
            if let fraction = outlook.fraction { state.shownFraction = max(state.shownFraction, fraction) }
            if state.isFinished { state.shownFraction = 1 }
            let isKnown = state.isFinished || state.expectedSamples != nil
            var snapshot = ProgressSnapshot(
                name: name, chunksDone: state.done.chunks, chunksCached: state.cached, chunksFailed: state.failed,
                chunksInFlight: state.open.values.count { $0.since != nil },
                chunksExpected: state.isFinished
                    ? state.found.chunks : state.expectedChunks.map { max($0, state.found.chunks) },
                fraction: isKnown ? state.shownFraction : nil, elapsedSeconds: (now - begin).seconds,
                remainingSeconds: state.isFinished
                    ? 0
                    : Self.remaining(
                        outlook, stall, wait: wait ?? 0, isLong: isWaiting, byPace: Self.pace(state, perMinute)),
                isFinished: state.isFinished)
            if isWaiting { snapshot.engineWaitSeconds = wait }
            snapshot.stall = stall
            return snapshot
        }
    }

    /// - Parameters:
    ///   - wait: seconds until the first chunk may go on; zero: now.
    ///   - isLong: for so long that nothing but a limit that is known tells what comes after.
    ///   - pace: the least that the rest takes from then on; nil: nothing keeps it back.
    private static func remaining(
        _ outlook: Outlook, _ stall: ProgressStall?, wait: Double, isLong: Bool, byPace pace: Double?
    ) -> Double? {
        guard stall == nil, !isLong || pace != nil else { return nil }
        let work = isLong ? outlook.remainingSeconds ?? 0 : outlook.remainingSeconds
        return work.map { wait + max($0, pace ?? 0) }
    }

    /// Seconds from the next request to the last one, where only so many may begin in a minute.
    private static func pace(_ state: State, _ perMinute: Int?) -> Double? {
        guard let perMinute, perMinute > 0, let expected = state.expectedChunks else { return nil }
        let asked = state.open.values.count { $0.since != nil }
        let left = max(expected, state.found.chunks) - state.done.chunks - asked
        return left > 0 ? Double((left - 1) / perMinute) * 60 : nil
    }

    private static func stall(_ state: State, rate: Double, engineAway: Duration?, now: Duration) -> ProgressStall? {
        var facts = ProgressStall.Facts()
        for chunk in state.open.values {
            if chunk.hasFailed {
                facts.failed += 1
            } else if let since = chunk.since {
                facts.firstAttempts.append(((now - since).seconds, SampleClock.seconds(chunk.samples) / rate))
            } else {
                facts.unasked += 1
            }
        }
        facts.unanswered = state.unansweredSince.map { (now - $0).seconds }
        facts.idle = (now - state.lastMove).seconds
        facts.engineAway = engineAway?.seconds
        facts.failure = state.failure
        return ProgressStall(facts)
    }

    /// Seconds until the first chunk may go on, where none is in flight and all that are found wait for the engine.
    private static func wait(_ state: State, engine: Duration?, now: Duration) -> Double? {
        guard !state.open.isEmpty, state.open.values.allSatisfy({ $0.since == nil }) else { return nil }
        let least = state.open.values.map { max($0.pausedUntil.map { $0 - now } ?? .zero, engine ?? .zero) }.min()
        return least.flatMap { $0 > .zero ? $0.seconds : nil }
    }

    /// The arithmetic of one moment.
    private struct Outlook {
        var fraction: Double?
        var remainingSeconds: Double?

        /// A first attempt in flight never counts as more than this share of its chunk: of an engine that has answered
        /// nothing yet, and of one that has. A later attempt counts as nothing: the first was no progress, either.
        private static let maximumInFlight = (unproven: 0.5, proven: 0.9)
        /// One that takes longer than expected takes this share of its time more.
        private static let overtime = 0.25

        init(_ state: State, priorRate: Double, now: Duration) {
            guard let expected = state.expectedSamples else { return }
            let total = max(expected, state.found.samples)
            let rate = Self.rate(state, priorRate: priorRate)
            var slots: [Double] = []
            var waiting: [Double] = []
            var inFlight = 0.0
            for chunk in state.open.values {
                let seconds = SampleClock.seconds(chunk.samples)
                guard let since = chunk.since else {
                    waiting.append(seconds / rate)
                    continue
                }
                let elapsed = (now - since).seconds
                let part = elapsed * rate / max(0.001, seconds)
                let most = state.measured.samples > 0 ? Self.maximumInFlight.proven : Self.maximumInFlight.unproven
                if chunk.pausedUntil == nil { inFlight += min(most, part) * Double(chunk.samples) }
                slots.append(max(seconds * (1 - part) / rate, (now - (chunk.begun ?? since)).seconds * Self.overtime))
            }
            let doneSamples = Double(state.done.samples) + inFlight
            fraction = total > 0 ? min(0.999, doneSamples / Double(total)) : 0.999
            let unseen = state.isComplete ? 0 : max(0, total - state.found.samples)
            let unseenChunks = max(1, (state.expectedChunks ?? 0) - state.found.chunks)
            let size = SampleClock.seconds(unseen) / Double(unseenChunks) / rate
            let plan = Self.lastEnd(
                slots: slots, waiting: waiting.sorted(by: >), more: (unseen > 0 ? unseenChunks : 0, size),
                width: state.concurrency)
            // A rate limit or a slow decoder does not show in the time of a request, only in the whole throughput.
            var byThroughput = 0.0
            if state.measured.samples > 0, let first = state.firstStart {
                let gained = SampleClock.seconds(state.measured.samples) + inFlight / Double(SampleClock.rate)
                let rest = max(0, Double(total) - doneSamples) / Double(SampleClock.rate)
                byThroughput = rest * (now - first).seconds / gained
            }
            remainingSeconds = max(plan, byThroughput)
        }

        /// The remembered rate weighs as much as one chunk.
        static func rate(_ state: State, priorRate: Double) -> Double {
            let chunks = max(1, state.expectedChunks ?? state.found.chunks)
            let weight = max(1, SampleClock.seconds(state.expectedSamples ?? 0) / Double(chunks))
            let seconds = state.measured.seconds + weight / priorRate
            return max(0.001, (SampleClock.seconds(state.measured.samples) + weight) / seconds)
        }

        /// When the last chunk ends if each slot takes the next one as it gets free.
        private static func lastEnd(
            slots busy: [Double], waiting: [Double], more: (count: Int, seconds: Double), width: Int
        ) -> Double {
            var slots = busy
            while slots.count < min(width, 256) { slots.append(0) }
            let work = waiting.reduce(0, +) + Double(more.count) * more.seconds
            guard waiting.count + more.count <= 1000 else {
                return (slots.reduce(0, +) + work) / Double(slots.count)
            }
            for seconds in waiting + Array(repeating: more.seconds, count: more.count) {
                let next = slots.indices.min { slots[$0] < slots[$1] } ?? 0
                slots[next] += seconds
            }
            return slots.max() ?? 0
        }
    }
}

extension Duration {
    /// As a number, for estimates.
    fileprivate var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
