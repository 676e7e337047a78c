import Glibc
import Inbox
import Logging
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Transcription

/// An inbox in a temporary folder, and the intake that watches it.
struct InboxFixture: Sendable {
    let folder: FilePath
    var settings: InboxSettings
    let arrivals = Arrivals()
    let incompletes = Incompletes()
    /// How often the loop of the intake has come round.
    let turns = SharedCounter()
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// What came, in order.
    final class Arrivals: Sendable {
        private let list = Mutex<[Intake.Arrival]>([])
        var all: [Intake.Arrival] { list.withLock { $0 } }
        var names: [String] { all.map(\.path.printable) }
        func add(_ arrival: Intake.Arrival) { list.withLock { $0.append(arrival) } }

        /// Waits until these have come, and nothing else, in any order.
        func have(_ names: [String], within limit: Duration = .seconds(600)) async throws {
            do {
                try await eventually("arrival", within: limit) { self.names.sorted() == names.sorted() }
            } catch {
                throw Late(description: "\(names) did not come; what came: \(self.names)")
            }
        }
    }

    /// What was told of incomplete recordings, in order: a name with what arrived, or `name over`.
    final class Incompletes: Sendable {
        private let list = Mutex<[String]>([])
        var all: [String] { list.withLock { $0 } }
        func add(_ incomplete: Intake.Incomplete) {
            let text =
                switch incomplete.reason {
                case .short(let shortfall, _): "\(shortfall.arrived)/\(shortfall.expected ?? 0)"
                case .unreadable: "unreadable"
                case nil: "over"
                }
            list.withLock { $0.append("\(incomplete.path.printable) \(text)") }
        }
    }

    /// What was logged: message and metadata of each line.
    final class LogLines: Sendable {
        private struct Handler: LogHandler {
            let lines: LogLines
            var metadata: Logger.Metadata = [:]
            var logLevel = Logger.Level.info
            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }
            func log(event: LogEvent) {
                lines.list.withLock { $0.append((event.message.description, event.metadata ?? [:])) }
            }
        }

        private let list = Mutex<[(message: String, metadata: Logger.Metadata)]>([])
        var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

        /// The messages that begin so.
        func list(of beginning: String) -> [String] {
            list.withLock { $0.map(\.message).filter { $0.hasPrefix(beginning) } }
        }

        /// The metadata of the lines with this message.
        func metadata(of message: String) -> [Logger.Metadata] {
            list.withLock { $0.filter { $0.message == message }.map(\.metadata) }
        }
    }

    init(_ folder: FilePath, watch: InboxSettings.Watch = .events, settle: Duration = .milliseconds(150)) throws {
        self.folder = folder
        for name in ["inbox", "outbox", "done", "failed"] { try Self.makeFolder(folder.appending(name)) }
        settings = InboxSettings(
            path: folder.appending("inbox"), outbox: folder.appending("outbox"), done: folder.appending("done"),
            failed: folder.appending("failed"), after: .move, engine: "offline", options: TranscriptionOptions(),
            formats: [.txt], watch: watch, settle: settle, rescan: .seconds(3600))
    }

    static func makeFolder(_ path: FilePath) throws {
        guard path.withPlatformString({ mkdir($0, 0o755) }) == 0 else {
            throw SystemError("mkdir", path.printable, errno: Errno(rawValue: errno))
        }
    }

    subscript(_ path: String) -> FilePath { folder.appending(path) }

    func write(_ text: String, to path: String) throws { try TestAudioFile.write(Array(text.utf8), to: self[path]) }

    func move(_ old: String, _ new: String) throws {
        guard rename(self[old].string, self[new].string) == 0 else {
            throw SystemError("rename", old, errno: Errno(rawValue: errno))
        }
    }

    func text(_ path: String) throws -> String {
        String(decoding: try TestAudioFile.read(self[path]), as: UTF8.self)
    }

    func exists(_ path: String) -> Bool { (try? FileStatus(at: self[path], followingLinks: false)) != nil }

    /// Runs the intake beside `body`, which begins when it watches and has scanned.
    /// - Parameter make: makes the intake; default is an ordinary one.
    func watching(
        making make: (InboxSettings) -> Intake = { Intake($0, wake: AsyncSignal(), logger: Self.logger) },
        _ body: @Sendable @escaping (Intake) async throws -> Void
    ) async throws {
        FileLease.ignoreBreakSignal()
        let intake = make(settings)
        let isReady = CancellationFlag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await intake.run(once: false, incomplete: { incompletes.add($0) }) {
                    isReady.set()
                } turned: {
                    turns.add(1)
                } arrived: {
                    arrivals.add($0)
                }
            }
            try await eventually("the first scan") { isReady.isSet }
            try await body(intake)
            group.cancelAll()
        }
    }

    /// Moves the clock of the watched inbox on, and waits until its intake has done what is due then.
    func pass(_ duration: Duration, on clock: HandClock) async throws {
        clock.advance(by: duration)
        let before = turns.value
        // Of the turn that was on its way, and of a whole one: at its top, after its looks, at its end.
        try await eventually("a turn of the intake") {
            clock.wake.signal()
            return turns.value >= before + 6
        }
    }

    /// Runs the intake until what lies there has settled.
    func once(noted: [FileIdentity: RawName] = [:]) async {
        FileLease.ignoreBreakSignal()
        let intake = Intake(settings, wake: AsyncSignal(), logger: Self.logger, noted: noted)
        await intake.run(once: true, incomplete: { incompletes.add($0) }) {
        } arrived: {
            arrivals.add($0)
        }
    }
}

/// A clock that goes on when the test says so.
final class HandClock: Sendable {
    private let time = Mutex(Duration.zero)
    let wake = AsyncSignal()
    var now: Duration { time.withLock { $0 } }
    func advance(by duration: Duration) {
        time.withLock { $0 += duration }
        wake.signal()
    }

    /// Lets seconds pass until something is true.
    func tick(until what: String, _ condition: () -> Bool) async throws {
        try await eventually(what) {
            advance(by: .seconds(1))
            return condition()
        }
    }
}
