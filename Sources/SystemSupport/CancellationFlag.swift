import Synchronization

/// A flag that one side sets and another looks at: carries a task's cancellation to code that blocks on a thread.
package final class CancellationFlag: Sendable {
    private let value = Atomic<Bool>(false)

    package init() {}

    /// May be asked from any thread.
    package var isSet: Bool { value.load(ordering: .acquiring) }
    /// Cannot be taken back.
    package func set() { value.store(true, ordering: .releasing) }
}
