import Synchronization

/// A number that several tasks and threads count up and down.
package final class SharedCounter: Sendable {
    private let number: Atomic<Int>

    package init(_ value: Int = 0) { number = Atomic(value) }

    package var value: Int { number.load(ordering: .acquiring) }

    /// Adds `amount`, which may be negative, and returns the sum.
    @discardableResult
    package func add(_ amount: Int) -> Int { number.add(amount, ordering: .acquiringAndReleasing).newValue }
}
