import Synchronization
import SystemSupport

/// What a transcriber has learned of its server while the program runs.
final class ServerKnowledge: Sendable {
    /// The form of request that the server takes.
    struct Form: Sendable, Hashable {
        var codec: UploadCodec
        var format: ResponseFormat
        var sendsOptionalFields: Bool
        var onlyHTTP1: Bool
    }

    private struct State {
        var form: Form
        var hasSucceeded = false
        var serverErrors = 0
        var http2Breaks = 0
        var maximumSamples: Int64?
        /// Time-outs in a row by chunk; of a few recent chunks only.
        var timeouts: [(hash: Digest, count: Int)] = []
        var inFlight: [Int]
    }

    private let state: Mutex<State>

    init(form: Form, addresses: Int) {
        state = Mutex(State(form: form, inFlight: Array(repeating: 0, count: addresses)))
    }

    var form: Form { state.withLock { $0.form } }
    var hasSucceeded: Bool { state.withLock { $0.hasSucceeded } }
    /// The greatest length the server named when it refused a longer one.
    var maximumSamples: Int64? { state.withLock { $0.maximumSamples } }
    var inFlight: Int { state.withLock { $0.inFlight.reduce(0, +) } }

    /// A request in this form succeeded: what differs from before was the server's wish.
    func remember(_ form: Form) {
        state.withLock { state in
            state.form.codec = form.codec
            // Another request may have gone further down the ladder meanwhile.
            state.form.format = max(state.form.format, form.format)
            state.form.sendsOptionalFields = state.form.sendsOptionalFields && form.sendsOptionalFields
            state.hasSucceeded = true
            state.serverErrors = 0
        }
    }

    func refuse(longerThan samples: Int64) {
        state.withLock { $0.maximumSamples = min($0.maximumSamples ?? samples, samples) }
    }

    /// True from the second 500 in a row on: the server stumbles over the request, not by chance.
    func countServerError() -> Bool {
        state.withLock { state in
            state.serverErrors += 1
            return state.serverErrors >= 2
        }
    }

    /// From the second break on the server is spoken to in HTTP/1.1.
    func countHTTP2Break(certainly: Bool) {
        state.withLock { state in
            state.http2Breaks += certainly ? 2 : 1
            if state.http2Breaks >= 2 { state.form.onlyHTTP1 = true }
        }
    }

    /// True when this chunk timed out before.
    func countTimeout(of hash: Digest) -> Bool {
        state.withLock { state in
            if let at = state.timeouts.firstIndex(where: { $0.hash == hash }) {
                state.timeouts[at].count += 1
                return true
            }
            state.timeouts.append((hash, 1))
            if state.timeouts.count > 64 { state.timeouts.removeFirst() }
            return false
        }
    }

    /// The address with the fewest requests in flight, none of `excluded`; counts as used until `release`.
    func take(excluding excluded: Set<Int>) -> Int? {
        state.withLock { state in
            let free = state.inFlight.indices.filter { !excluded.contains($0) }
            guard let best = free.min(by: { state.inFlight[$0] < state.inFlight[$1] }) else { return nil }
            state.inFlight[best] += 1
            return best
        }
    }

    func release(_ address: Int) { state.withLock { $0.inFlight[address] -= 1 } }
}
