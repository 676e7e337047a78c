import FoundationEssentials
import Glibc
import SystemPackage
import SystemSupport
import TestSupport

/// A folder of its own with a configuration, and the program run in it.
struct Workplace: Sendable {
    let folder: FilePath

    /// - Parameters:
    ///   - top: keys in front of all sections.
    ///   - sections: the rest of the configuration.
    init(_ folder: FilePath, top: String = "", _ sections: String = "") throws {
        self.folder = folder
        try write(
            """
            state_directory = "\(folder.string)/state"
            cache_directory = "\(folder.string)/cache"
            \(top)
            \(sections)
            """, to: "parlograph.toml")
    }

    /// `[[inbox]]` with the four folders that a workplace has.
    static func inbox(in folder: FilePath) -> String {
        """
        [[inbox]]
        path = "\(folder.string)/inbox"
        outbox = "\(folder.string)/outbox"
        done = "\(folder.string)/done"
        failed = "\(folder.string)/failed"
        """
    }

    /// With an engine called `fake` behind `server`, which is given chunks of at most 12 s.
    /// - Parameter inbox: lines of `[[inbox]]`; nil: there is none.
    init(
        _ folder: FilePath, server: FakeTranscriptionServer, concurrency: Int = 4, retries: Int = 1,
        inbox: String? = nil, engine: String = ""
    ) throws {
        var text = """
            [processing]
            max_concurrent_chunks = \(concurrency)
            max_chunk_retries = \(retries)
            chunk_retry_delay_seconds = 0
            progress_update_interval_seconds = 0.1
            shutdown_seconds = 5

            [engines.fake]
            kind = "openai"
            base_url = "\(server.url)/v1"
            chunk_target_seconds = 10
            chunk_max_seconds = 12
            \(engine)

            """
        if let inbox {
            text += """
                \(Self.inbox(in: folder))
                engine = "fake"
                settle_seconds = 0.2
                \(inbox)

                """
            for name in ["inbox", "outbox", "done", "failed"] { try Self.makeFolder(folder.appending(name)) }
        }
        try self.init(folder, text)
    }

    var configuration: FilePath { folder.appending("parlograph.toml") }
    var inbox: FilePath { folder.appending("inbox") }

    /// `path` below the folder.
    subscript(_ path: String) -> FilePath { folder.appending(path) }

    static func makeFolder(_ path: FilePath) throws {
        guard path.withPlatformString({ mkdir($0, 0o755) }) == 0 else {
            throw SystemError("mkdir", path.string, errno: Errno(rawValue: errno))
        }
    }

    func makeFolder(_ path: String) throws { try Self.makeFolder(self[path]) }

    func write(_ text: String, to path: String) throws { try TestAudioFile.write(Array(text.utf8), to: self[path]) }

    /// A WAV file of these seconds of `MarkedAudio`.
    func writeMarks(_ seconds: Range<Int>, to path: String) throws {
        try TestAudioFile.write(TestWave(MarkedAudio.samples(seconds: seconds)).bytes, to: self[path])
    }

    func move(_ old: String, _ new: String) throws {
        guard rename(self[old].string, self[new].string) == 0 else {
            throw SystemError("rename", old, errno: Errno(rawValue: errno))
        }
    }

    func exists(_ path: String) -> Bool { (try? FileStatus(at: self[path], followingLinks: false)) != nil }

    func text(_ path: String) throws -> String {
        String(decoding: try TestAudioFile.read(self[path]), as: UTF8.self)
    }

    func transcript(_ path: String) throws -> TranscriptFile { try TranscriptFile(self[path]) }

    /// Paths of all files below `path`, relative to it, sorted; hidden ones too.
    func files(_ path: String) throws -> [String] {
        var found: [String] = []
        func collect(_ folder: RawName) throws {
            try DirectoryLister.forEach(in: self[path].pushing(folder.path)) { entry in
                let name = folder.appending(entry.name)
                if entry.kind == .directory { try collect(name) } else { found.append(name.printable) }
                return true
            }
        }
        try collect(RawName(bytes: []))
        return found.sorted()
    }

    /// Runs the program with this configuration.
    /// - Parameter arguments: the subcommand first.
    func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> Program.Ended {
        try await run(arguments.map { Array($0.utf8) }, environment: environment)
    }

    func run(_ arguments: [[UInt8]], environment: [String: String] = [:]) async throws -> Program.Ended {
        try await Program.run(complete(arguments), environment: environment, folder: folder)
    }

    /// Runs it beside `body`.
    func start<Value: Sendable>(
        _ arguments: String..., environment: [String: String] = [:],
        while body: @Sendable (RunningProgram) async throws -> Value
    ) async throws -> Value {
        try await Program.start(
            complete(arguments.map { Array($0.utf8) }), environment: environment, folder: folder, body)
    }

    /// With `--config` behind the subcommand or subcommands.
    private func complete(_ arguments: [[UInt8]]) -> [[UInt8]] {
        let commands = [
            "transcribe", "serve", "status", "jobs", "cache", "check", "retry", "list", "stats", "prune", "clear",
            "models",
            "add", "remove",
        ]
        let count = arguments.prefix { commands.contains(String(decoding: $0, as: UTF8.self)) }.count
        return arguments.prefix(count) + [Array("--config".utf8), Array(configuration.string.utf8)]
            + arguments[count...]
    }
}

/// A `.json` sidecar.
struct TranscriptFile: Decodable {
    struct Segment: Decodable {
        let start: Double
        let end: Double
        let text: String
    }

    struct Gap: Decodable {
        let start: Double
        /// Nil: the recording's end, which is not known.
        let end: Double?
        let reason: String
        let cause: String
    }

    struct Chunk: Decodable {
        let start: Double
        let end: Double
        let hash: String
        let from_cache: Bool
        let attempts: Int
        let engine: String?
        let model: String?
    }

    struct Word: Decodable {
        let word: String
        let start: Double
        let end: Double
    }

    let text: String
    let language: String
    /// `estimated` where the engine told no times of words.
    let timing: String?
    let words: [Word]?
    let engine: String
    let model: String
    let duration: Double
    let segments: [Segment]
    let gaps: [Gap]
    let chunks: [Chunk]
    let cache_hits: Int
    let chunks_processed: Int
    let warnings: [String]

    init(_ path: FilePath) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(try TestAudioFile.read(path)))
    }

    /// The numbers of the marks that were heard.
    var marks: [Int] { text.split(separator: " ").compactMap { Int($0.dropFirst()) } }

    /// The farthest that a mark's segment is from where the mark sounds, in seconds.
    /// - Parameter first: the mark at 0 s.
    func worstOffset(first: Int = 0) -> Double {
        segments.reduce(0) { worst, segment in
            guard let number = Int(segment.text.filter(\.isNumber)) else { return .infinity }
            let start = Double(number - first)
            return max(worst, abs(segment.start - start), abs(segment.end - start - 0.8))
        }
    }
}
