import CLinux
import Glibc
import Synchronization

/// Threads of our own for calls that block, so that Swift's cooperative pool (as many threads as cores) never waits.
///
/// Threads start on demand up to `limit` and end after `idleSeconds` without work. Work is taken in order.
package final class BlockingPool: Sendable {
    private struct State {
        var queue: [@Sendable () -> Void] = []
        var head = 0
        var threads = 0
        var idle = 0
        var pending: Int { queue.count - head }
        mutating func take() -> (@Sendable () -> Void)? {
            guard head < queue.count else { return nil }
            let work = queue[head]
            head += 1
            if head == queue.count {
                queue.removeAll(keepingCapacity: true)
                head = 0
            } else if head > 64, head * 2 > queue.count {
                queue.removeFirst(head)
                head = 0
            }
            return work
        }
    }

    private let name: String
    private let limit: Int
    private let idleSeconds: Int
    private let state = Mutex(State())
    private let available: ThreadSignal

    /// - Parameter name: shown by `ps -L`; 15 bytes are kept.
    package init(name: String, limit: Int, idleSeconds: Int = 10) {
        self.name = name
        self.limit = max(1, limit)
        self.idleSeconds = idleSeconds
        self.available = ThreadSignal()
    }

    /// For short calls (stat, open, rename, fsync, hashing).
    package static let files = BlockingPool(name: "files", limit: 8)

    /// Runs `work` on a thread of the pool. A cancelled task still waits for work that has begun: `work` itself must
    /// look at a flag if it can be long.
    package func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            submit { continuation.resume(with: Result(catching: work)) }
        }
    }

    /// Runs `work` that cannot fail.
    package func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: work()) }
        }
    }

    private func submit(_ work: @escaping @Sendable () -> Void) {
        let start = state.withLock { state in
            state.queue.append(work)
            guard state.pending > state.idle, state.threads < limit else { return false }
            state.threads += 1
            return true
        }
        if start { startThread() } else { available.signal() }
    }

    private func startThread() {
        Thread.start(name: name) { [self] in
            while true {
                let work = state.withLock { $0.take() }
                if let work {
                    work()
                    continue
                }
                state.withLock { $0.idle += 1 }
                let signalled = available.wait(seconds: idleSeconds)
                let ends = state.withLock { state in
                    state.idle -= 1
                    guard !signalled, state.pending == 0 else { return false }
                    state.threads -= 1
                    return true
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
