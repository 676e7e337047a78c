import Glibc
import Transcription

/// What happens with one recognizer process from its start to its end. Belongs to the thread that started the process.
struct RecognizerSession {
    enum End {
        /// There was nothing to do for a while, or it had grown.
        case idle
        /// It cannot load the model, in words.
        case refused(String)
        /// It cannot load the model for want of memory.
        case starved
        /// In the middle of its work, or before it had any, in words.
        case died(String)
    }

    /// Later growth is measured against what it needed after so many answers.
    private static let restingAnswers = 500
    /// So much more is a leak.
    private static let minimumGrowth: Int64 = 64 << 20
    /// The last words of the library are among these.
    private static let errorTail = 4096

    private let setup: Recognizer.Setup
    private let seat: RecognizerSeats.Seat
    private var parser = RecognizerMessage.Parser()
    private var pending: ArraySlice<UInt8> = []
    private var inFlight: [UInt32: (call: RecognizerCall, sent: ContinuousClock.Instant)] = [:]
    private var nextCall: UInt32 = 1
    private var isReady = false
    private var refusal: String?
    private var isGarbled = false
    private var errors: [UInt8] = []
    private var answers = 0
    private var restingMemory: Int64 = 0
    private var hasGrown = false
    private var hasGivenText = false
    private var lastNews = ContinuousClock.now

    /// It has answered at least once.
    private(set) var hasAnswered = false

    init(_ setup: Recognizer.Setup, _ seat: RecognizerSeats.Seat) {
        self.setup = setup
        self.seat = seat
    }

    /// Those that it owes an answer.
    var calls: [RecognizerCall] { inFlight.sorted { $0.key < $1.key }.map(\.value.call) }

    /// Since when it owes an answer, or has nothing to do.
    private var since: ContinuousClock.Instant { inFlight.values.map(\.sent).min() ?? lastNews }

    /// - Parameter next: gives the next call that somebody waits for and that may be asked beside those in flight.
    mutating func run(
        _ child: inout RecognizerChild, wake: CInt, next: ([RecognizerCall]) -> RecognizerCall?
    ) -> End {
        while true {
            // Whoever was started does something before it makes room.
            let isEnding = hasGrown || seat.isWanted && hasAnswered
            if isReady, !isEnding { send(next) }
            let isAtWork = !isReady || !inFlight.isEmpty
            seat.note(isAtWork: isAtWork)
            if !isAtWork, isEnding || seat.isWanted || since.duration(to: .now) >= setup.idle {
                child.closeInput()
                _ = child.reap(isExpected: true)
                return .idle
            }
            if isAtWork, since.duration(to: .now) >= setup.patience {
                _ = child.reap(isExpected: false)
                return .died("it gave no answer for \(setup.patience.components.seconds) s")
            }
            let left = (isAtWork ? setup.patience : setup.idle) - since.duration(to: .now)
            let milliseconds = max(
                0, left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000)
            let events = child.wait(
                wake: wake, pending: &pending, milliseconds: CInt(clamping: milliseconds + 1))
            errors += events.errors
            if errors.count > 4 * Self.errorTail { errors.removeFirst(errors.count - Self.errorTail) }
            consume(events.answers)
            if let refusal {
                _ = child.reap(isExpected: true)
                return isWantOfMemory ? .starved : .refused(refusal + lastWords)
            }
            if events.hasEnded || isGarbled { return ending(child.reap(isExpected: !isGarbled)) }
        }
    }

    private mutating func send(_ next: ([RecognizerCall]) -> RecognizerCall?) {
        while inFlight.count < setup.threads, let call = next(calls) {
            do {
                let samples = try call.audio.samples()
                var message = RecognizerMessage.header(
                    call.request.rawValue, call: nextCall, count: samples.count * 2)
                samples.withUnsafeBytes { message.append(contentsOf: $0) }
                if pending.isEmpty { pending = message[...] } else { pending += message }
                inFlight[nextCall] = (call, .now)
                nextCall &+= 1
            } catch {
                call.end(.failure(error))
            }
        }
    }

    private mutating func consume(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        parser.append(bytes)
        do {
            while let message = try parser.next() {
                lastNews = .now
                switch RecognizerMessage.Answer(rawValue: message.kind) {
                case .ready: isReady = true
                case .failure: refusal = String(decoding: message.body, as: UTF8.self)
                case .hearing, .duration:
                    guard let call = inFlight.removeValue(forKey: message.call)?.call else {
                        isGarbled = true
                        return
                    }
                    hasAnswered = true
                    call.end(judged(message.body, of: call))
                case nil:
                    isGarbled = true
                    return
                }
            }
        } catch {
            isGarbled = true
        }
    }

    /// What was asked for gets, unless the library ran into a fault that it tells nobody but its standard error.
    private mutating func judged(_ body: [UInt8], of call: RecognizerCall) -> RecognizerCall.Answer {
        guard call.request != .measure, var hearing = PieceHearing(body, sampleCount: call.audio.sampleCount) else {
            return .success(body)
        }
        note(memory: hearing.memoryBytes)
        if !hearing.parts.isEmpty { hasGivenText = true }
        guard hearing.parts.isEmpty, hearing.doubts.contains(.nothing), hasCaughtException else {
            return .success(body)
        }
        defer { errors = [] }
        if isWantOfMemory {
            hearing.doubts = [.memory]
            return .success(hearing.encoded)
        }
        guard !hasGivenText else { return .success(body) }
        return .failure(
            TranscriptionError(
                .engineUnavailable,
                "The offline engine's model “\(setup.name)” was loaded, but cannot decode\(lastWords). Its files may "
                    + "be swapped or of another kind: parlograph models check \(setup.name)."))
    }

    private mutating func note(memory: Int64) {
        guard memory > 0 else { return }
        answers += 1
        if answers <= Self.restingAnswers {
            restingMemory = max(restingMemory, memory)
        } else if memory > restingMemory * 5 / 4 + Self.minimumGrowth {
            hasGrown = true
        }
    }

    private func ending(_ status: Int32) -> End {
        let how: String
        if isGarbled {
            how = "what it said makes no sense"
        } else if status < 0 {
            how = "signal \(-status)\(-status == SIGKILL ? ", perhaps for want of memory" : "")"
        } else {
            how = "status \(status)"
        }
        // sherpa-onnx ends the process itself at some bad models: there is no use in trying again.
        if !isReady, isWantOfMemory { return .starved }
        if !isReady, status >= 0, !isGarbled { return .refused("sherpa-onnx gives up (\(how))\(lastWords)") }
        return .died(how + lastWords)
    }

    // MARK: What the library printed

    private var printed: String { String(decoding: errors.suffix(Self.errorTail), as: UTF8.self) }

    /// It takes a fault while decoding for an empty answer.
    private var hasCaughtException: Bool { printed.contains("Caught exception") }

    private var isWantOfMemory: Bool { Self.signsOfNoMemory.contains { printed.contains($0) } }

    private static let signsOfNoMemory = ["bad_alloc", "Failed to allocate memory", "out of memory"]

    /// What the library printed last, if anything, or that memory was short.
    private var lastWords: String {
        if isWantOfMemory { return " for want of memory" }
        let lines = printed.split(whereSeparator: \.isNewline).filter { line in
            !line.allSatisfy(\.isWhitespace) && !Self.empty.contains { line.contains($0) }
        }
        guard let last = lines.last else { return "" }
        // Without the place in the library's source in front, and as far as it is text.
        var text = last.replacing(#/^/\S+:\d+ /#, with: "").prefix { $0.isASCII && !("\0"..<" ").contains($0) }
        while text.last == "." || text.last == " " { text.removeLast() }
        return text.contains(where: \.isLetter) ? "; it says: \(text.suffix(300))" : ""
    }

    /// Lines that say nothing of a fault.
    private static let empty = ["cpuinfo", "Caught exception", "Return an empty result"]
}
