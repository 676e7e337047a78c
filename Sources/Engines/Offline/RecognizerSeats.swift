import Synchronization
import SystemSupport

/// So many recognizer processes at once for one model: one for each language that it is told would be without a bound, and
/// each has the model in memory. Whoever needs one more ends the one that has had no work for longest, or else, after a
/// turn, one that has been at work for longest.
final class RecognizerSeats: Sendable {
    /// One process's leave to be there.
    final class Seat: Sendable {
        fileprivate struct State {
            var isAtWork = true
            /// Since when it is so.
            var since = ContinuousClock.now
            var isWanted = false
        }

        fileprivate let state = Mutex(State())
        private let wake: @Sendable () -> Void

        fileprivate init(_ wake: @escaping @Sendable () -> Void) { self.wake = wake }

        /// Another process waits for this one's end: it takes no more work.
        var isWanted: Bool { state.withLock { $0.isWanted } }

        func note(isAtWork: Bool) {
            state.withLock { state in
                guard state.isAtWork != isAtWork else { return }
                (state.isAtWork, state.since) = (isAtWork, .now)
            }
        }

        fileprivate func want() {
            state.withLock { $0.isWanted = true }
            wake()
        }
    }

    private struct State {
        var seats: [Seat] = []
        var waiting = 0

        /// Those that are to end, as many as are waited for.
        func chosen() -> [Seat] {
            let wanted = seats.count(where: \.isWanted)
            guard wanted < waiting else { return [] }
            let now = ContinuousClock.now
            let open = seats.map { (seat: $0, state: $0.state.withLock { $0 }) }.filter { _, state in
                guard !state.isWanted else { return false }
                return !state.isAtWork || state.since.duration(to: now) >= RecognizerSeats.turn
            }
            .sorted { ($0.state.isAtWork ? 1 : 0, $0.state.since) < ($1.state.isAtWork ? 1 : 0, $1.state.since) }
            return open.prefix(waiting - wanted).map(\.seat)
        }
    }

    /// As long as loading a large model takes, a few times over.
    private static let turn = Duration.seconds(30)

    private let maximum: Int
    private let state = Mutex(State())
    private let isFree = ThreadSignal()

    init(maximum: Int) { self.maximum = maximum }

    /// Waits until there is room. Blocks.
    /// - Parameters:
    ///   - wake: called when the seat becomes wanted.
    ///   - isNeeded: looked at from time to time.
    /// - Returns: nil when it is not needed any more. The seat has to be given back.
    func take(wake: @escaping @Sendable () -> Void, while isNeeded: () -> Bool) -> Seat? {
        state.withLock { $0.waiting += 1 }
        defer { state.withLock { $0.waiting -= 1 } }
        while isNeeded() {
            let (seat, chosen) = state.withLock { state -> (Seat?, [Seat]) in
                guard state.seats.count >= maximum else {
                    let seat = Seat(wake)
                    state.seats.append(seat)
                    return (seat, [])
                }
                return (nil, state.chosen())
            }
            if let seat { return seat }
            for seat in chosen { seat.want() }
            _ = isFree.wait(seconds: 1)
        }
        return nil
    }

    func giveBack(_ seat: Seat) {
        let isWaitedFor = state.withLock { state in
            state.seats.removeAll { $0 === seat }
            return state.waiting > 0
        }
        if isWaitedFor { isFree.signal() }
    }
}
