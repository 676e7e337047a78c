import CLinux
import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import Transcription

/// One recognizer process for all who ask it: started when there is work, ended when there has been none for a while, and
/// started anew when it died or grew.
///
/// A thread of ours starts it, writes to it, reads from it and reaps it. The thread lives as long as the process does, so
/// that the process may end with it, should the service be killed.
final class Recognizer: Sendable {
    /// What one is started with.
    struct Setup: Sendable {
        var executable: FilePath
        var model: InstalledModel
        /// For families that are told it.
        var language: String?
        var threads: Int
        var library: FilePath
        var detector: FilePath
        var memoryLimit: UInt64
        /// Without work for so long, it ends.
        var idle: Duration = .seconds(30)
        /// Without any answer for so long, it hangs; a piece takes a second or two.
        var patience: Duration = .seconds(300)
    }

    private struct State {
        var queue: [RecognizerCall] = []
        var isRunning = false
        var process: pid_t?
        /// In a row, without an answer between them.
        var deaths = 0
    }

    private let setup: @Sendable () throws -> Setup
    private let state = Mutex(State())
    private let wake = WakeUp()

    /// - Parameter setup: asked before each start: a model may be installed meanwhile. Throws `TranscriptionError`.
    init(setup: @escaping @Sendable () throws -> Setup) { self.setup = setup }

    /// The process's id while there is one; for tests.
    var process: pid_t? { state.withLock { $0.process } }

    /// A cancelled call returns at once; what the process has begun it ends, and the answer is dropped.
    /// - Returns: the body of the answer.
    /// - Throws: `TranscriptionError`, `CancellationError`.
    func ask(_ request: RecognizerMessage.Request, _ audio: ChunkAudio) async throws -> [UInt8] {
        let call = RecognizerCall(request, audio)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if call.attach(continuation) {
                    submit(call)
                } else {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            call.end(.failure(CancellationError()))
            wake.signal()
        }
    }

    private func submit(_ call: RecognizerCall) {
        let starts = state.withLock { state in
            state.queue.append(call)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts {
            Thread.start(name: "recognition") { [self] in run() }
        } else {
            wake.signal()
        }
    }

    /// Until there is nothing to do.
    private func run() {
        while true {
            let stays = state.withLock { state in
                state.queue.removeAll(where: \.isAbandoned)
                state.isRunning = !state.queue.isEmpty
                return state.isRunning
            }
            guard stays else { return }
            do {
                let setup = try setup()
                let model = setup.model.name
                var child = try RecognizerChild(setup.executable, arguments(setup))
                state.withLock { $0.process = child.process }
                var session = RecognizerSession(setup)
                let end = session.run(&child, wake: wake.descriptor) { [self] in take() }
                state.withLock { $0.process = nil }
                switch end {
                case .idle: break
                case .refused(let reason): failAll(session.calls, Self.refusal(model, reason))
                case .died(let how):
                    let isLast = countDeath(afterAnswers: session.hasAnswered)
                    let error = Self.death(model, how, isLast: isLast)
                    if isLast {
                        failAll(session.calls, error)
                    } else {
                        for call in session.calls { call.end(.failure(error)) }
                    }
                }
            } catch let error as TranscriptionError {
                failAll([], error)
            } catch {
                failAll(
                    [],
                    TranscriptionError(
                        .engineUnavailable, "The offline engine's process cannot be started: \(error).",
                        remedy: .retry(after: nil)))
            }
        }
    }

    /// So many in a row, without an answer between them, and the engine counts as unusable.
    private static let mostDeaths = 3

    /// - Returns: whether it was one too many; then they are counted anew.
    private func countDeath(afterAnswers hasAnswered: Bool) -> Bool {
        state.withLock { state in
            state.deaths = hasAnswered ? 1 : state.deaths + 1
            guard state.deaths >= Self.mostDeaths else { return false }
            state.deaths = 0
            return true
        }
    }

    private func take() -> RecognizerCall? {
        state.withLock { state in
            state.queue.removeAll(where: \.isAbandoned)
            return state.queue.isEmpty ? nil : state.queue.removeFirst()
        }
    }

    private func failAll(_ calls: [RecognizerCall], _ error: TranscriptionError) {
        let queued = state.withLock { state in
            defer { state.queue = [] }
            return state.queue
        }
        for call in calls + queued { call.end(.failure(error)) }
    }

    private func arguments(_ setup: Setup) -> RecognizerProcess.Arguments {
        RecognizerProcess.Arguments(
            parent: getpid(), threads: setup.threads, memoryLimit: setup.memoryLimit, library: setup.library.string,
            detector: setup.detector.string, folder: setup.model.folder.string, family: setup.model.layout.family,
            language: setup.language)
    }

    private static func refusal(_ model: String, _ reason: String) -> TranscriptionError {
        TranscriptionError(
            .engineUnavailable,
            "The offline engine's model “\(model)” cannot be loaded: \(reason). Its files may be damaged or of another "
                + "kind: parlograph models check \(model).")
    }

    private static func death(_ model: String, _ how: String, isLast: Bool) -> TranscriptionError {
        let text = "The offline engine's process with the model “\(model)” ended in the middle of its work (\(how))."
        guard isLast else { return TranscriptionError(.requestFailed, text, remedy: .retry(after: nil)) }
        return TranscriptionError(
            .engineUnavailable, "\(text) It has done so \(mostDeaths) times in a row. Is enough memory free?")
    }
}

/// Wakes the thread that polls.
private final class WakeUp: Sendable {
    let descriptor: CInt

    init() {
        descriptor = clinux_eventfd()
        precondition(descriptor >= 0, "eventfd failed: \(descriptor)")  // no descriptor, no service
    }

    deinit { close(descriptor) }

    func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }
}
