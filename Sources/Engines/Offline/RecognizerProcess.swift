import CLinux
import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import Transcription

/// The recognizer: what the hidden subcommand `parlograph __recognize` does, in a process of its own, since sherpa-onnx ends
/// its process at some bad models and gives memory back only with it.
///
/// Standard input and output carry `RecognizerMessage`s. Before the first byte of the model is read the process may read
/// nothing but that, and before the first audio it gives that up, too.
package enum RecognizerProcess {
    /// The first argument that leads here.
    package static let subcommand = "__recognize"

    /// What it is started with, behind the subcommand.
    package struct Arguments: Sendable, Hashable {
        /// Ends with the thread of that process that started it.
        package var parent: Int32
        package var threads: Int
        /// Address space in bytes; 0: no limit.
        package var maximumMemory: UInt64
        package var library: String
        package var detector: String
        /// Of the model; empty: there is none, and only `voices` is asked.
        package var folder: String
        /// Nil without a model.
        package var family: ModelFamily?
        package var language: String?

        package var encoded: [String] {
            [
                "\(parent)", "\(threads)", "\(maximumMemory)", library, detector, folder, family?.rawValue ?? "",
                language ?? "",
            ]
        }

        package init(
            parent: Int32, threads: Int, maximumMemory: UInt64, library: String, detector: String, folder: String,
            family: ModelFamily?, language: String?
        ) {
            self.parent = parent
            self.threads = threads
            self.maximumMemory = maximumMemory
            self.library = library
            self.detector = detector
            self.folder = folder
            self.family = family
            self.language = language
        }

        package init?(_ texts: [String]) {
            guard texts.count == 8, let parent = Int32(texts[0]), let threads = Int(texts[1]), threads > 0,
                let memory = UInt64(texts[2])
            else { return nil }
            let family = ModelFamily(rawValue: texts[6])
            guard (family == nil) == texts[5].isEmpty else { return nil }
            self.init(
                parent: parent, threads: threads, maximumMemory: memory, library: texts[3], detector: texts[4],
                folder: texts[5], family: family, language: texts[7].isEmpty ? nil : texts[7])
        }
    }

    /// Runs until standard input ends, or the parent.
    /// - Returns: the exit status.
    package static func run(_ texts: [String]) -> Int32 {
        guard let arguments = Arguments(texts) else { return 64 }
        // They are meant for the service, which ends this process itself.
        for name in [SIGPIPE, SIGTERM, SIGINT, SIGHUP] { signal(name, SIG_IGN) }
        guard clinux_end_with_parent(arguments.parent) == 0 else { return 0 }
        let output = RecognizerOutput()
        do {
            let desk = RecognizerDesk()
            try load(arguments, desk, output)
            output.send(.ready, call: 0, [])
            serve(desk)
            return 0
        } catch {
            output.send(.failure, call: 0, Array("\(error)".utf8))
            return 1
        }
    }

    private struct Fault: Error, CustomStringConvertible { let description: String }

    /// - Throws: `Fault`.
    private static func load(
        _ arguments: Arguments, _ desk: RecognizerDesk, _ output: RecognizerOutput
    ) throws {
        let library: SherpaLibrary
        do { library = try SherpaLibrary(path: arguments.library) } catch { throw Fault(description: error.reason) }
        let memory = ProcessMemory()
        let limit = isSanitized ? 0 : arguments.maximumMemory
        let recognizer = try recognizer(arguments, library, maximumMemory: limit)
        var workers: [RecognizerWorker] = []
        for _ in 0..<arguments.threads {
            guard let detector = SherpaDetector(library, model: arguments.detector) else {
                throw Fault(description: "the voice detector \(arguments.detector) cannot be loaded")
            }
            workers.append(
                RecognizerWorker(
                    model: recognizer, detector: DetectorBox(detector), memory: memory))
        }
        var limits = clinux_confinement()
        limits.address_space_bytes = limit
        limits.open_files = 64
        let status = clinux_confine(&limits)
        guard status == 0 else { throw Fault(description: "the process cannot be confined (\(status))") }
        // A thread inherits the confinement of the one that starts it, so none is started before; onnxruntime's work is
        // done on their stacks.
        for worker in workers {
            Thread.start(name: "recognizer", stackBytes: 8 << 20) { worker.run(desk, output) }
        }
    }

    /// The model, after which nothing else is read.
    /// - Returns: nil where none is asked for.
    /// - Throws: `Fault`.
    private static func recognizer(
        _ arguments: Arguments, _ library: SherpaLibrary, maximumMemory: UInt64
    ) throws -> LoadedModel? {
        guard let family = arguments.family else {
            try confine(reading: [arguments.detector], maximumMemory: maximumMemory)
            return nil
        }
        let layout = ModelLayout(files: files(in: arguments.folder), folder: arguments.folder, family: family)
        // The files may be links to elsewhere.
        let files = (layout?.files ?? []).compactMap { realPath("\(arguments.folder)/\($0)") }
        try confine(reading: [arguments.folder, arguments.detector] + files, maximumMemory: maximumMemory)
        guard let layout,
            let recognizer = SherpaRecognizer(
                library, folder: arguments.folder, layout: layout, language: arguments.language)
        else { throw Fault(description: "sherpa-onnx refuses its files") }
        try checkTokens(arguments.folder, layout)
        return LoadedModel(recognizer: recognizer, isGenerative: family.isGenerative)
    }

    private static func confine(reading paths: [String], maximumMemory: UInt64) throws {
        let copies = (paths + ["/proc/cpuinfo", "/sys/devices/system/cpu"]).map { UnsafePointer<CChar>(strdup($0)) }
        defer { for copy in copies { free(UnsafeMutablePointer(mutating: copy)) } }
        let status = clinux_confine_reading(copies, copies.count, maximumMemory)
        guard status == 0 else { throw Fault(description: "the process cannot be confined (\(status))") }
    }

    /// sherpa-onnx takes a list that was cut off, and leaves out the words that are not in it.
    private static func checkTokens(_ folder: String, _ layout: ModelLayout) throws {
        guard let expected = layout.family.tokenCount,
            let bytes = try? SmallFile.read(FilePath("\(folder)/\(layout.tokens)"), limit: 16 << 20)
        else { return }
        let count = bytes.count { $0 == UInt8(ascii: "\n") }
        guard count >= expected else {
            throw Fault(description: "\(layout.tokens) has \(count) tokens, not \(expected)")
        }
    }

    private static func realPath(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    private static func files(in folder: String) -> [String] { InstalledModel.names(inFolder: folder) }

    /// Address space under a sanitizer is counted in terabytes.
    private static var isSanitized: Bool { dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil }

    /// Takes requests until there are no more.
    private static func serve(_ desk: RecognizerDesk) {
        var parser = RecognizerMessage.Parser()
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            parser.append(buffer[..<count])
            do {
                while let message = try parser.next() {
                    guard let kind = RecognizerMessage.Request(rawValue: message.kind) else { return }
                    desk.take(kind, call: message.call, message.body)
                }
            } catch {
                return
            }
        }
    }
}

/// Requests that wait for a thread.
private final class RecognizerDesk: Sendable {
    struct Work {
        let kind: RecognizerMessage.Request
        let call: UInt32
        let samples: [Int16]
    }

    private let queue = Mutex<[Work]>([])
    private let available = ThreadSignal()

    func take(_ kind: RecognizerMessage.Request, call: UInt32, _ body: [UInt8]) {
        let samples = (0..<body.count / 2).map {
            Int16(bitPattern: UInt16(body[2 * $0]) | UInt16(body[2 * $0 + 1]) << 8)
        }
        queue.withLock { $0.append(Work(kind: kind, call: call, samples: samples)) }
        available.signal()
    }

    func next() -> Work {
        available.wait()
        return queue.withLock { $0.removeFirst() }
    }
}

/// Standard output, one message at a time.
private final class RecognizerOutput: Sendable {
    private let lock = Mutex(())

    func send(_ kind: RecognizerMessage.Answer, call: UInt32, _ body: [UInt8]) {
        let message = RecognizerMessage.header(kind.rawValue, call: call, count: body.count) + body
        lock.withLock { _ in
            do {
                try FileDescriptor.standardOutput.writeAll(message)
            } catch {
                exit(0)  // the parent does not read any more
            }
        }
    }
}

/// What this process takes of the machine's memory.
private final class ProcessMemory: Sendable {
    /// Open before the process may open nothing more; -1 without /proc.
    private let statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)

    /// Resident, in bytes; 0 where it cannot be told.
    var resident: Int64 {
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = pread(statm, &buffer, buffer.count, 0)
        guard count > 0 else { return 0 }
        let fields = String(decoding: buffer[..<count], as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int64(fields[1]) ?? 0) * Int64(sysconf(CInt(_SC_PAGESIZE))) : 0
    }

    static func hasFree(_ bytes: Int) -> Bool {
        guard bytes > 0, let area = mmap(nil, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), area != MAP_FAILED
        else { return bytes <= 0 }
        munmap(area, bytes)
        return true
    }
}

/// Hands a detector over to the thread that it belongs to from then on.
private final class DetectorBox: @unchecked Sendable {
    // @unchecked: made on one thread and used on another, never on both at once.
    let detector: SherpaDetector
    init(_ detector: consuming SherpaDetector) { self.detector = detector }
}

private struct LoadedModel: Sendable {
    let recognizer: SherpaRecognizer
    let isGenerative: Bool
}

/// One thread's work.
private struct RecognizerWorker: Sendable {
    /// Nil where it only tells voices.
    let model: LoadedModel?
    let detector: DetectorBox
    let memory: ProcessMemory

    func run(_ desk: RecognizerDesk, _ output: RecognizerOutput) -> Never {
        let recognition = PieceRecognition(
            isGenerative: model?.isGenerative ?? false, detect: { detector.detector.speech(in: $0) },
            decode: { model?.recognizer.decode($0) }, hasMemory: ProcessMemory.hasFree)
        while true {
            let work = desk.next()
            switch work.kind {
            case .hear, .hearUntold:
                var hearing = recognition.hear(work.samples, checksLanguage: work.kind == .hearUntold)
                hearing.memoryBytes = memory.resident
                output.send(.hearing, call: work.call, hearing.encoded)
            case .voices:
                var hearing = PieceHearing()
                hearing.speech = recognition.voices(in: work.samples)
                hearing.memoryBytes = memory.resident
                output.send(.hearing, call: work.call, hearing.encoded)
            case .measure:
                let audio = work.samples.map { Float($0) / 32768 }
                let start = processorNanoseconds()
                _ = detector.detector.speech(in: audio)
                _ = model?.recognizer.decode(audio)
                output.send(.duration, call: work.call, Array("\((processorNanoseconds() - start) / 1000)".utf8))
            }
        }
    }

    private func processorNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
