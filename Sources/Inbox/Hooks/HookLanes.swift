import Synchronization
import SystemSupport

/// What is under way and what fails, by inbox and kind: a program that hangs, or a server that is away, holds up its own
/// lane alone.
final class HookLanes: Sendable {
    struct Lane: Hashable, Sendable {
        let inbox: RawName
        let kind: HookCall.Kind

        init(inbox: RawName, kind: HookCall.Kind) {
            self.inbox = inbox
            self.kind = kind
        }

        init(_ call: HookCall) { self.init(inbox: call.inbox, kind: call.kind) }
    }

    private struct State {
        var running: Set<Int64> = []
        /// In a row.
        var failures = 0
        /// Nothing is begun before, in seconds since 1970.
        var restsUntil = Int64.min
        /// Its receiver wants no more calls.
        var isOff = false
        /// What was said last of its failures.
        var told: String?

        var isAway: Bool { failures >= HookLanes.patience }
    }

    private struct All {
        var states: [Lane: State] = [:]
        var troubles: [HookTrouble] = []
    }

    /// At the same time, in one lane.
    static let maximumRunning = 2
    /// After so many failures in a row the receiver passes for away: one call at a time finds out whether it is back.
    private static let patience = 3
    private static let rest = Backoff(first: .seconds(5), maximum: .seconds(300))

    private let all = Mutex(All())

    var isIdle: Bool { all.withLock { $0.states.values.allSatisfy(\.running.isEmpty) } }
    var troubles: [HookTrouble] { all.withLock { $0.troubles } }
    var switchedOff: Set<RawName> { all.withLock { Set($0.states.filter(\.value.isOff).keys.map(\.inbox)) } }

    /// - Returns: whether it is news.
    func setTroubles(_ troubles: [HookTrouble]) -> Bool {
        all.withLock { all in
            defer { all.troubles = troubles }
            return all.troubles != troubles
        }
    }

    /// How many more calls may begin, and those that are under way.
    func room(_ lane: Lane, now: Int64) -> (room: Int, running: Set<Int64>) {
        all.withLock { all in
            guard let state = all.states[lane] else { return (Self.maximumRunning, []) }
            // A rest that is longer than any comes of a clock that was set back.
            let rests = state.restsUntil > now && state.restsUntil - now <= Self.rest.maximum.components.seconds
            guard !state.isOff, !rests else { return (0, state.running) }
            return (max(0, (state.isAway ? 1 : Self.maximumRunning) - state.running.count), state.running)
        }
    }

    /// Seconds until something may begin as far as the lane goes; nil: the end of a call, or a reload, is waited for.
    func rest(_ lane: Lane, now: Int64) -> Int64? {
        all.withLock { all in
            guard let state = all.states[lane] else { return 0 }
            guard !state.isOff, state.running.count < (state.isAway ? 1 : Self.maximumRunning) else { return nil }
            return max(0, state.restsUntil == .min ? 0 : state.restsUntil - now)
        }
    }

    func begin(_ call: HookCall) {
        all.withLock { _ = $0.states[Lane(call), default: State()].running.insert(call.id) }
    }

    func end(_ call: HookCall) { all.withLock { _ = $0.states[Lane(call)]?.running.remove(call.id) } }

    /// - Returns: whether its receiver had passed for away.
    func noteSuccess(_ lane: Lane) -> Bool {
        all.withLock { all in
            guard var state = all.states[lane] else { return false }
            let wasAway = state.isAway
            (state.failures, state.restsUntil, state.told) = (0, .min, nil)
            all.states[lane] = state
            return wasAway
        }
    }

    /// - Returns: whether that is news for the log.
    func noteFailure(_ lane: Lane, _ failure: HookFailure, now: Int64) -> Bool {
        all.withLock { all in
            var state = all.states[lane] ?? State()
            state.failures += 1
            if state.isAway {
                state.restsUntil =
                    now + Self.rest.pause(after: state.failures - Self.patience + 1).components.seconds
            }
            if failure.isGone { state.isOff = true }
            defer { all.states[lane] = state }
            guard state.told != failure.description else { return false }
            state.told = failure.description
            return true
        }
    }

    /// Everything is tried again, and what still fails is said again.
    func forgetFailures() {
        all.withLock { all in
            for lane in all.states.keys {
                guard let state = all.states[lane] else { continue }
                all.states[lane] = State(running: state.running)
            }
        }
    }
}
