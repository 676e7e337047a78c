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
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// What came, in order.
    final class Arrivals: Sendable {
        private let list = Mutex<[Intake.Arrival]>([])
        var all: [Intake.Arrival] { list.withLock { $0 } }
        var names: [String] { all.map(\.path.printable) }
        func add(_ arrival: Intake.Arrival) { list.withLock { $0.append(arrival) } }

        /// Waits until these have come, and nothing else, in any order.
        func have(_ names: [String], within limit: Duration = .seconds(20)) async throws {
            do {
                try await eventually("arrival", within: limit) { self.names.sorted() == names.sorted() }
            } catch {
                throw Late(description: "\(names) did not come; what came: \(self.names)")
            }
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
    func watching(_ body: @Sendable @escaping (Intake) async throws -> Void) async throws {
        FileLease.ignoreBreakSignal()
        let intake = Intake(settings, wake: AsyncSignal(), logger: Self.logger)
        let isReady = CancellationFlag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await intake.run(once: false) {
                    isReady.set()
                } arrived: {
                    arrivals.add($0)
                }
            }
            try await eventually("the first scan") { isReady.isSet }
            try await body(intake)
            group.cancelAll()
        }
    }

    /// Runs the intake until what lies there has settled.
    func once() async {
        FileLease.ignoreBreakSignal()
        await Intake(settings, wake: AsyncSignal(), logger: Self.logger).run(once: true) {
        } arrived: {
            arrivals.add($0)
        }
    }
}
