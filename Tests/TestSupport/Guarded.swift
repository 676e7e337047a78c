import Synchronization

/// A value that several tasks of a test change; a class, because a `Mutex` cannot be captured by more than one.
package final class Guarded<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    package init(_ value: Value) { mutex = Mutex(value) }

    package var value: Value { mutex.withLock { $0 } }
    @discardableResult
    package func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        mutex.withLock { value in
            body(&value)
        }
    }
}
