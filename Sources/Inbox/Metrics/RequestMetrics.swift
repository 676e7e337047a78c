import Synchronization
import SystemSupport
import Transcription

/// Requests to engines for one recording, counted from what the pipeline tells of its chunks.
final class RequestMetrics: Sendable {
    private struct State {
        /// Seconds of audio of chunks that are not answered yet.
        var lengths: [Int: Double] = [:]
        var begun: [Int: (engine: String, at: ContinuousClock.Instant)] = [:]
    }

    private static let success = "ok"

    private let state = Mutex(State())

    func observe(_ event: ChunkEvent, now: ContinuousClock.Instant = .now) {
        switch event {
        case .cut(let index, let owned, _):
            state.withLock { $0.lengths[index] = SampleClock.seconds(owned.count) }
        case .sent(let index, _, let engine):
            // A chunk that was cut again is asked for in parts: the one before is over.
            end(index, Self.success, now)
            state.withLock { $0.begun[index] = (engine, now) }
        case .retrying(let index, _, _, let error, _, let isBusy): end(index, isBusy ? "busy" : error.rawValue, now)
        case .failed(let index, let error):
            end(index, error.rawValue, now)
            state.withLock { _ = $0.lengths.removeValue(forKey: index) }
        case .finished(let index, let fromCache, let engine):
            end(index, Self.success, now)
            let length = state.withLock { $0.lengths.removeValue(forKey: index) }
            if !fromCache, let engine, let length { ServiceMetrics.noteAudio(seconds: length, engine: engine) }
        case .planned, .decoded, .answeredFromCache: break
        }
    }

    private func end(_ index: Int, _ outcome: String, _ now: ContinuousClock.Instant) {
        guard let begun = state.withLock({ $0.begun.removeValue(forKey: index) }) else { return }
        ServiceMetrics.noteRequest(engine: begun.engine, outcome: outcome, lasted: begun.at.duration(to: now))
    }
}
