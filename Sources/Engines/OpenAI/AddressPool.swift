import Synchronization
import SystemSupport

/// The addresses of one service: which is asked next, told by how busy each is and how it fared.
///
/// One that fails is left alone for a time that doubles with each further failure; then one request at a time tries it
/// until one succeeds. One that asks for a pause gets it, while the others go on.
package final class AddressPool: Sendable {
    private struct Address {
        var inFlight = 0
        /// Since the last success.
        var failures = 0
        var lastFailure = Duration.zero
        var restsUntil = Duration.zero
        /// It asked not to be asked before.
        var pausedUntil = Duration.zero

        func isPaused(at now: Duration) -> Bool { now < pausedUntil }

        mutating func note(_ isHealthy: Bool?, began: Duration, now: Duration) {
            switch isHealthy {
            case true?: failures = 0
            // What was sent before the last failure tells nothing new.
            case false? where failures == 0 || began >= lastFailure:
                failures += 1
                lastFailure = now
                restsUntil = now + AddressPool.rest.pause(after: failures)
            default: break
            }
        }
    }

    /// An address in use.
    package struct Lease: Sendable {
        /// Index of one of the engine's addresses.
        package let address: Int
        fileprivate let began: Duration
    }

    private static let rest = Backoff(first: .seconds(1), maximum: .seconds(60))

    private let addresses: Mutex<[Address]>
    /// Time since the pool was made.
    private let now: @Sendable () -> Duration

    package init<C: Clock>(count: Int, clock: C = ContinuousClock()) where C.Duration == Duration {
        addresses = Mutex(Array(repeating: Address(), count: count))
        let origin = clock.now
        now = { origin.duration(to: clock.now) }
    }

    var inFlight: Int { addresses.withLock { $0.reduce(0) { $0 + $1.inFlight } } }

    /// One whose rest is over and that nobody is trying yet, else the least busy of the healthy; where all have failed,
    /// the one that rested longest: some answer is better than none. One that asked for a pause only where all have, and
    /// only at first.
    /// - Parameters:
    ///   - excluded: addresses that are not wanted.
    ///   - onlyHealthy: none that has failed since its last success.
    /// - Returns: nil when there is none of these; otherwise in use until `finish`.
    package func take(excluding excluded: Set<Int> = [], onlyHealthy: Bool = false) -> Lease? {
        let now = now()
        return addresses.withLock { addresses in
            let all = addresses.indices.filter { !excluded.contains($0) }
            let wanted = all.filter { !addresses[$0].isPaused(at: now) }
            let healthy = wanted.filter { addresses[$0].failures == 0 }
            let rested = wanted.first { at in
                let address = addresses[at]
                return address.failures > 0 && address.restsUntil <= now && address.inFlight == 0
            }
            let minimumBusy = healthy.min { addresses[$0].inFlight < addresses[$1].inFlight }
            var chosen = minimumBusy
            if !onlyHealthy {
                let lastResort = wanted.min { addresses[$0].restsUntil < addresses[$1].restsUntil }
                let paused = excluded.isEmpty ? all.min { addresses[$0].pausedUntil < addresses[$1].pausedUntil } : nil
                chosen = rested ?? minimumBusy ?? lastResort ?? paused
            }
            guard let chosen else { return nil }
            addresses[chosen].inFlight += 1
            return Lease(address: chosen, began: now)
        }
    }

    /// The address wants to be left alone for so long.
    package func pause(_ lease: Lease, for time: Duration) {
        let now = now()
        addresses.withLock {
            $0[lease.address].pausedUntil = max($0[lease.address].pausedUntil, now + time)
        }
    }

    /// How long the first of the addresses that asked for a pause still wants it; nil where none does.
    package var minimumPause: Duration? {
        let now = now()
        return addresses.withLock { addresses in
            addresses.filter { $0.isPaused(at: now) }.map { $0.pausedUntil - now }.min()
        }
    }

    /// - Parameter isHealthy: nil: the result says nothing about the address.
    package func finish(_ lease: Lease, isHealthy: Bool?) {
        let now = now()
        addresses.withLock { addresses in
            addresses[lease.address].inFlight -= 1
            addresses[lease.address].note(isHealthy, began: lease.began, now: now)
        }
    }

    /// Its answer to a request that is over turned out to be its own fault: another address took the same request.
    package func blame(_ lease: Lease) {
        let now = now()
        addresses.withLock { $0[lease.address].note(false, began: lease.began, now: now) }
    }
}
