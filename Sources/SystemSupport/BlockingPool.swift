import CLinux
import Glibc
import Synchronization

/// Threads of our own for calls that block, so that Swift's cooperative pool (as many threads as cores) never waits.
///
/// Threads start on demand and end after `idleSeconds` without work. Work is taken in order. What names its storage gets
/// no more than a share of the threads, so that an outbox or inbox that hangs does not hold up the others
/// (docs/decisions/0043-long-work-in-turns.md).
package final class BlockingPool: Sendable {
    private typealias Work = (body: @Sendable () -> Void, storage: Storage?)

    private struct State {
        var queue: StorageQueue<@Sendable () -> Void>
        /// May begin, and waits for its thread.
        var ready: [Work] = []
        var idle = 0

        /// Lets begin what may.
        /// - Parameter coming: threads that look for work next, without being woken.
        /// - Returns: threads to start, and threads to wake.
        mutating func admit(coming: Int = 0) -> (start: Int, wake: Int) {
            var admitted = 0
            while let next = queue.next() {
                ready.append((next.element, next.storage))
                admitted += 1
            }
            return (min(admitted, max(0, ready.count - idle - coming)), min(admitted, idle))
        }

        mutating func take() -> Work? { ready.isEmpty ? nil : ready.removeFirst() }
    }

    private let name: String
    private let idleSeconds: Int
    private let state: Mutex<State>
    private let available: ThreadSignal

    /// - Parameters:
    ///   - name: shown by `ps -L`; 15 bytes are kept.
    ///   - limit: threads that are busy at once with work that names no storage, and as many again with work that does.
    ///   - perStorage: threads that are busy at once with one storage.
    package init(name: String, limit: Int, perStorage: Int = .max, idleSeconds: Int = 10) {
        self.name = name
        self.idleSeconds = idleSeconds
        state = Mutex(State(queue: StorageQueue(limit: max(1, limit), perStorage: max(1, perStorage))))
        available = ThreadSignal()
    }

    /// For short calls (stat, open, rename, fsync). Whole files are read in `WholeFilePool`.
    package static let files = BlockingPool(name: "files", limit: 8, perStorage: 4)

    /// Runs `work` on a thread of the pool. A cancelled task still waits for work that has begun: `work` itself must
    /// look at a flag if it can be long.
    /// - Parameter storage: what `work` waits for, if that may hang.
    package func run<Value: Sendable>(
        on storage: Storage? = nil, _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            submit(on: storage) { continuation.resume(with: Result(catching: work)) }
        }
    }

    /// Runs `work` that cannot fail.
    package func run<Value: Sendable>(
        on storage: Storage? = nil, _ work: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            submit(on: storage) { continuation.resume(returning: work()) }
        }
    }

    /// Runs `work` on a thread of the pool, and does not wait for it.
    package func submit(on storage: Storage?, _ work: @escaping @Sendable () -> Void) {
        let threads = state.withLock { state in
            state.queue.append(work, on: storage)
            return state.admit()
        }
        bring(threads)
    }

    private func bring(_ threads: (start: Int, wake: Int)) {
        for _ in 0..<threads.wake { available.signal() }
        for _ in 0..<threads.start { startThread() }
    }

    private func startThread() {
        Thread.start(name: name) { [self] in
            while true {
                let work = state.withLock { state in
                    let work = state.take()
                    if work == nil { state.idle += 1 }
                    return work
                }
                if let work {
                    work.body()
                    bring(
                        state.withLock { state in
                            state.queue.end(on: work.storage)
                            return state.admit(coming: 1)
                        })
                    continue
                }
                let isWoken = available.wait(seconds: idleSeconds)
                let ends = state.withLock { state in
                    state.idle -= 1
                    return !isWoken && state.ready.isEmpty
                }
                if ends { return }
            }
        }
    }
}

/// A counting signal between threads, with a time limit to waiting: sem_t in memory that does not move.
package final class ThreadSignal: @unchecked Sendable {
    // @unchecked: sem_t is made for use from several threads; the pointer never changes.
    private let semaphore: UnsafeMutablePointer<sem_t>

    package init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Lets one thread that waits go on, or the next one that would.
    package func signal() { sem_post(semaphore) }

    /// False when `seconds` passed without a signal.
    package func wait(seconds: Int) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += seconds
        while sem_timedwait(semaphore, &deadline) != 0 {
            if errno == ETIMEDOUT { return false }
        }
        return true
    }

    /// Blocks until there is a signal.
    package func wait() {
        while sem_wait(semaphore) != 0 {}
    }
}

/// A detached POSIX thread with all signals blocked, so that signals reach the threads meant for them.
package enum Thread {
    private final class Box: Sendable {
        let body: @Sendable () -> Void
        let name: String
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread that runs `body` and ends.
    /// - Parameter stackBytes: the stack's size; deep C libraries (decoders) want more than the default here.
    package static func start(name: String, stackBytes: Int = 2 << 20, body: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, stackBytes)
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Box(name: name, body: body)).toOpaque()
        let status = pthread_create(
            &thread, &attributes,
            { @Sendable context in
                guard let context else { return nil }
                let box = Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
                clinux_name_thread(box.name)
                box.body()
                return nil
            }, context)
        precondition(status == 0, "pthread_create failed: \(status)")  // no thread, no service
    }
}
