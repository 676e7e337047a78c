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
        /// Nil: only voices are told.
        var model: InstalledModel?
        /// For families that are told it.
        var language: String?
        var threads: Int
        var library: FilePath
        var detector: FilePath
        var maximumMemory: UInt64
        /// Without work for so long, it ends.
        var idle: Duration = .seconds(30)
        /// Without any answer for so long, it hangs; a piece takes a second or two.
        var patience: Duration = .seconds(300)

        /// What messages call it.
        var name: String { model?.name ?? "voice detector" }
    }

    private struct State {
        var queue: [RecognizerCall] = []
        var isRunning = false
        var process: pid_t?
        /// In a row, of processes that were not asked anything yet.
        var deathsWithoutCalls = 0
    }

    private let seats: RecognizerSeats
    private let setup: @Sendable () throws -> Setup
    private let state = Mutex(State())
    private let wake = WakeUp()

    /// - Parameters:
    ///   - seats: shared by all recognizers of the model.
    ///   - setup: asked before each start: a model may be installed meanwhile. Throws `TranscriptionError`.
    init(seats: RecognizerSeats, setup: @escaping @Sendable () throws -> Setup) {
        self.seats = seats
        self.setup = setup
    }

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
            let wake = wake
            guard let seat = seats.take(wake: { wake.signal() }, while: { hasWork }) else { continue }
            defer { seats.giveBack(seat) }
            do {
                try run(try setup(), seat)
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

    private var hasWork: Bool { state.withLock { !$0.queue.allSatisfy(\.isAbandoned) } }

    /// One process, from its start to its end.
    private func run(_ setup: Setup, _ seat: RecognizerSeats.Seat) throws {
        let model = setup.name
        var child = try RecognizerChild(setup.executable, arguments(setup))
        state.withLock { $0.process = child.process }
        var session = RecognizerSession(setup, seat)
        let end = session.run(&child, wake: wake.descriptor) { [self] inFlight in take(beside: inFlight) }
        state.withLock { state in
            state.process = nil
            if session.hasAnswered { state.deathsWithoutCalls = 0 }
        }
        switch end {
        case .idle: break
        case .refused(let reason): failAll(session.calls, Self.refusal(model, reason))
        case .starved: failAll(session.calls, TranscriptionError(.engineUnavailable, Self.wantOfMemory(model)))
        case .died(let how): judge(session.calls, model, how)
        }
    }

    /// - Parameter calls: those that were in flight when the process died.
    private func judge(_ calls: [RecognizerCall], _ model: String, _ how: String) {
        let withoutCalls = state.withLock { state in
            if calls.isEmpty { state.deathsWithoutCalls += 1 }
            return state.deathsWithoutCalls
        }
        let verdict = DeathVerdict(
            deaths: calls.map { $0.countDeath() }, withoutCalls: withoutCalls,
            isSample: calls.contains(where: \.isSample))
        switch verdict {
        case .tryAgain: state.withLock { $0.queue.insert(contentsOf: calls, at: 0) }
        case .trySample:
            let error = Self.fault(model, how)
            let sample = RecognizerCall(.measure, Chunk.sample.audio, isSample: true) { answer in
                let result = answer.flatMap { _ in RecognizerCall.Answer.failure(error) }
                for call in calls { call.end(result) }
            }
            state.withLock { $0.queue.insert(sample, at: 0) }
        case .engineUnusable:
            state.withLock { $0.deathsWithoutCalls = 0 }
            failAll(calls, Self.death(model, how))
        }
    }

    /// The next one that may be asked. What a process died with before, and what is to tell whose fault that was, has a
    /// process for itself.
    private func take(beside inFlight: [RecognizerCall]) -> RecognizerCall? {
        state.withLock { state in
            state.queue.removeAll(where: \.isAbandoned)
            guard let next = state.queue.first, inFlight.isEmpty || !(inFlight + [next]).contains(where: \.isAlone)
            else { return nil }
            return state.queue.removeFirst()
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
            parent: getpid(), threads: setup.threads, maximumMemory: setup.maximumMemory, library: setup.library.string,
            detector: setup.detector.string, folder: setup.model?.folder.string ?? "",
            family: setup.model?.layout.family,
            language: setup.language)
    }

    private static func refusal(_ model: String, _ reason: String) -> TranscriptionError {
        TranscriptionError(
            .engineUnavailable,
            "The offline engine's model “\(model)” cannot be loaded: \(reason). Its files may be damaged or of another "
                + "kind: parlograph models check \(model).")
    }

    static func wantOfMemory(_ model: String) -> String {
        "The offline engine's memory does not suffice for the model “\(model)”: choose a smaller model, or fewer threads, or "
            + "give the service more memory."
    }

    private static func end(_ model: String, _ how: String) -> String {
        "The offline engine's process with the model “\(model)” ended in the middle of its work (\(how))."
    }

    /// A harmless sample works in its place.
    private static func fault(_ model: String, _ how: String) -> TranscriptionError {
        TranscriptionError(
            .requestFailed,
            "\(end(model, how)) It has done so \(DeathVerdict.maximumDeaths) times with this piece of the recording, and works "
                + "with others.", remedy: .giveUpChunk)
    }

    private static func death(_ model: String, _ how: String) -> TranscriptionError {
        TranscriptionError(
            .engineUnavailable,
            "\(end(model, how)) It has done so \(DeathVerdict.maximumDeaths) times in a row. Is enough memory free?")
    }
}

extension RecognizerCall {
    /// It shares its process with no other.
    fileprivate var isAlone: Bool { isSample || deaths > 0 }
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
