import Synchronization

/// The addresses of one service: which is asked next, told by how busy each is and how it fared.
///
/// One that fails is left alone for a time that doubles with each further failure; then one request at a time tries it
/// until one succeeds.
package final class AddressPool: Sendable {
    private struct Address {
        var inFlight = 0
        /// Since the last success.
        var failures = 0
        var lastFailure = Duration.zero
        var restsUntil = Duration.zero
    }

    /// An address in use.
    package struct Lease: Sendable {
        package let address: Int
        fileprivate let began: Duration
    }

    private static let firstRest = Duration.seconds(1)
    private static let longestRest = Duration.seconds(60)

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
    /// the one that rested longest: some answer is better than none.
    /// - Parameter excluded: addresses that are not wanted.
    /// - Returns: nil when all are excluded; otherwise in use until `finish`.
    package func take(excluding excluded: Set<Int> = []) -> Lease? {
        let now = now()
        return addresses.withLock { addresses in
            let wanted = addresses.indices.filter { !excluded.contains($0) }
            let healthy = wanted.filter { addresses[$0].failures == 0 }
            let rested = wanted.first { at in
                let address = addresses[at]
                return address.failures > 0 && address.restsUntil <= now && address.inFlight == 0
            }
            let leastBusy = healthy.min { addresses[$0].inFlight < addresses[$1].inFlight }
            let lastResort = wanted.min { addresses[$0].restsUntil < addresses[$1].restsUntil }
            guard let chosen = rested ?? leastBusy ?? lastResort else { return nil }
            addresses[chosen].inFlight += 1
            return Lease(address: chosen, began: now)
        }
    }

    /// - Parameter isHealthy: nil: the result says nothing about the address.
    package func finish(_ lease: Lease, isHealthy: Bool?) {
        let now = now()
        addresses.withLock { addresses in
            var address = addresses[lease.address]
            defer { addresses[lease.address] = address }
            address.inFlight -= 1
            switch isHealthy {
            case true?: address.failures = 0
            // What was sent before the last failure tells nothing new.
            case false? where address.failures == 0 || lease.began >= address.lastFailure:
                let rest = Self.firstRest * (1 << min(address.failures, 6))
                address.failures += 1
                address.lastFailure = now
                address.restsUntil = now + min(Self.longestRest, rest)
            default: break
            }
        }
    }
}
