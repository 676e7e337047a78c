import CCurl
import Glibc
import Synchronization
import SystemSupport

/// All HTTP of the program: libcurl's multi interface on one thread of its own, however many transfers run.
///
/// Connections are kept and used again. The thread starts with the first transfer and ends with `shutdown` or when the
/// loop is let go.
package final class CurlLoop: Sendable {
    /// A larger answer fails: no transcript of a chunk comes near.
    package static let maximumResponseBytes = 32 << 20
    /// Bodies that are being received or have not been read yet hold no more together, except that each may have
    /// `smallBody`: many long answers at once would need a gigabyte.
    package static let maximumTotalBytes = 128 << 20
    /// So that a transcript of usual size never fails for what others send.
    static let smallBody = 1 << 20
    static let maximumHeaderBytes = 64 << 10
    static let connectMilliseconds = 10_000

    private let core: CurlLoopCore

    /// - Parameter maximumTotalBytes: of all answers that are being received or read at the same time; an answer that goes
    ///   beyond it fails like one that is too large in itself.
    package init(maximumTotalBytes: Int = CurlLoop.maximumTotalBytes) {
        core = CurlLoopCore(maximumTotalBytes: maximumTotalBytes)
    }

    deinit { core.stop() }

    /// Sends one request and takes its whole answer. Cancelling the task closes the connection at once.
    /// - Throws: `HTTPFailure`, `CancellationError`.
    package func perform(_ request: HTTPRequest) async throws -> HTTPResponse {
        let cancellation = CurlCancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                core.submit(request, cancellation: cancellation, continuation: continuation)
            }
        } onCancel: {
            cancellation.request()
            core.wake()
        }
    }

    /// Fails what is on its way and ends the thread; later requests fail.
    package func shutdown() { core.stop() }
}

/// What the thread and the loop share; apart from `CurlLoop`, so that the thread does not keep that alive.
private final class CurlLoopCore: Sendable {
    private struct State {
        var submitted: [CurlTransfer] = []
        var isRunning = false
        var isStopped = false
    }

    private let state = Mutex(State())
    private let multi = CurlMulti()
    private let budget: ByteBudget

    init(maximumTotalBytes: Int) { budget = ByteBudget(limit: maximumTotalBytes) }

    func submit(
        _ request: HTTPRequest, cancellation: CurlCancellation,
        continuation: CheckedContinuation<HTTPResponse, any Error>
    ) {
        guard
            let transfer = CurlTransfer(
                request, cancellation: cancellation, share: BodyShare(of: budget), continuation: continuation),
            hasMulti
        else {
            continuation.resume(
                throwing: HTTPFailure(
                    curlCode: Int32(bitPattern: CURLE_OUT_OF_MEMORY.rawValue), detail: "libcurl gives no handle"))
            return
        }
        enum Next { case start, wake, refuse }
        let next = state.withLock { state -> Next in
            guard !state.isStopped else { return .refuse }
            state.submitted.append(transfer)
            guard !state.isRunning else { return .wake }
            state.isRunning = true
            return .start
        }
        switch next {
        case .start: Thread.start(name: "http") { [self] in run() }
        case .wake: wake()
        case .refuse: transfer.finish(CURLE_ABORTED_BY_CALLBACK)
        }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        wake()
    }

    func wake() {
        switch multi {
        case .some(let multi): curl_multi_wakeup(multi.handle)
        case .none: break
        }
    }

    private var hasMulti: Bool {
        switch multi {
        case .some: true
        case .none: false
        }
    }

    private func run() {
        switch multi {
        case .some(let multi): run(multi.handle)
        case .none: break
        }
    }

    private func run(_ multi: UnsafeMutableRawPointer) {
        var active: [UnsafeMutableRawPointer: CurlTransfer] = [:]
        while true {
            let (submitted, isStopped) = state.withLock { state in
                defer { state.submitted = [] }
                return (state.submitted, state.isStopped)
            }
            for transfer in submitted {
                active[transfer.handle] = transfer
                curl_multi_add_handle(multi, transfer.handle)
            }
            for (handle, transfer) in active where isStopped || transfer.cancellation.isRequested {
                curl_multi_remove_handle(multi, handle)
                active[handle] = nil
                if transfer.cancellation.isRequested {
                    transfer.continuation.resume(throwing: CancellationError())
                } else {
                    transfer.finish(CURLE_ABORTED_BY_CALLBACK)
                }
            }
            if isStopped { return }

            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            var result = CURLE_OK
            while let handle = ccurl_next_finished(multi, &result) {
                curl_multi_remove_handle(multi, handle)
                active.removeValue(forKey: handle)?.finish(result)
            }
            // libcurl shortens the wait by its own timers; wake() ends it.
            curl_multi_poll(multi, nil, 0, 30_000, nil)
        }
    }
}
