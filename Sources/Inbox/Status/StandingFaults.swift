import Glibc
import Synchronization
import SystemSupport

/// Faults that others than the service itself have found, until they say that they are over.
package final class StandingFaults: Sendable {
    private struct Key: Hashable {
        let kind: ServiceStatus.Fault.Kind
        let name: String
    }

    private struct State {
        var faults: [Key: ServiceStatus.Fault] = [:]
        var changed: @Sendable () -> Void = {}
    }

    private let state = Mutex(State())

    package init() {}

    /// - Parameters:
    ///   - place: what it is about, a printable path.
    ///   - cause: the fault and its remedy in sentences; nil: there is none any more.
    /// - Returns: whether it is news.
    @discardableResult
    package func set(_ kind: ServiceStatus.Fault.Kind, at place: String, cause: String?) -> Bool {
        let tell = state.withLock { state -> (@Sendable () -> Void)? in
            let key = Key(kind: kind, name: place)
            let known = state.faults[key]
            guard known?.cause != cause else { return nil }
            state.faults[key] = cause.map {
                ServiceStatus.Fault(kind, at: place, since: known?.since ?? UnixTime.now(), cause: $0)
            }
            return state.changed
        }
        tell?()
        return tell != nil
    }

    /// - Parameter tell: is called at each change from now on.
    func whenChanged(_ tell: @escaping @Sendable () -> Void) { state.withLock { $0.changed = tell } }

    /// In no order.
    var all: [ServiceStatus.Fault] { state.withLock { Array($0.faults.values) } }
}
