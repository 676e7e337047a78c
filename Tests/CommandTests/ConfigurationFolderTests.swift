import Glibc
import Inbox
import Logging
import ParlographCommands
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// `conf.d` beside the configuration file.
struct ConfigurationFolderTests {
    /// - Parameter own: the files of `conf.d`, by their names.
    private static func load(
        _ main: String, _ own: [String: String], _ change: (Workplace) throws -> Void = { _ in }
    ) async throws -> Settings {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, main)
            try place.makeFolder("conf.d")
            for (name, text) in own { try place.write(text, to: "conf.d/\(name)") }
            try change(place)
            return try SettingsLoader.load(place.configuration)
        }
    }

    private static func fault(_ main: String, _ own: [String: String]) async throws -> String {
        do {
            _ = try await load(main, own)
            return "no fault"
        } catch let fault as ConfigurationFault {
            return fault.description
        }
    }

    private static func inbox(_ path: String, _ rest: String = "") -> String {
        """
        [[inbox]]
        path = "\(path)"
        outbox = "\(path)-out"
        after = "keep"
        \(rest)

        """
    }

    @Test func itsFilesWinOneByOneInTheOrderOfTheirNames() async throws {
        let settings = try await Self.load(
            "[processing]\nmax_concurrent_chunks = 2\nchunk_size_min_mb = 5\n[engines.program]\nkind = \"command\"\n"
                + "command = [\"/bin/true\"]\n",
            [
                "10-a.toml": "log_level = \"debug\"\n[processing]\nmax_concurrent_chunks = 3\nmax_chunk_retries = 9\n",
                "20-b.toml": "[processing]\nmax_concurrent_chunks = 7\n[engines.program]\ncommand = [\"/bin/false\"]\n",
                ".hidden.toml": "nonsense", "30.toml.dpkg-old": "nonsense", "README": "nonsense",
            ])
        #expect(settings.processing.maxConcurrentChunks == 7)
        #expect(settings.processing.retry.maximumRetries == 9)
        #expect(settings.processing.chunkSizeMinMB == 5)
        #expect(settings.logLevel == .debug)
        #expect(settings.engines.keys.sorted() == ["offline", "program"])
        #expect(
            settings.origin.hasSuffix("/parlograph.toml and \(settings.stateDirectory.removingLastComponent())/conf.d"))
    }

    /// Otherwise nobody could change the inbox of the package without a second one.
    @Test func anInboxWithThePathOfOneThatIsThereChangesIt() async throws {
        let settings = try await Self.load(
            Self.inbox("/a", "language = \"de\"") + Self.inbox("/b"),
            [
                "x.toml":
                    "[[inbox]]\npath = \"/c\"\noutbox = \"/c-out\"\nafter = \"keep\"\n[[inbox]]\npath = \"/b/\"\nlanguage = \"fr\"\n"
            ])
        #expect(settings.inboxes.map(\.path) == ["/a", "/b", "/c"])
        #expect(settings.inboxes.map(\.outbox) == ["/a-out", "/b-out", "/c-out"])
        #expect(settings.inboxes.map(\.options.language) == ["de", "fr", nil])
    }

    /// Each message names the file that is to be mended.
    @Test func aFaultNamesTheFileAndTheLineItStandsIn() async throws {
        #expect(
            try await Self.fault("", ["a.toml": "\n[processing]\nmax_concurent_chunks = 2\n"])
                .contains("/conf.d/a.toml, line 3: unknown key \"max_concurent_chunks\""))
        #expect(
            try await Self.fault(
                Self.inbox("/a"),
                ["a.toml": Self.inbox("/b"), "b.toml": "[[inbox]]\npath = \"/b\"\nafter = \"burn\"\n"]
            )
            .contains("/conf.d/b.toml, line 3: inbox[1].after: must be one of"))
        #expect(
            try await Self.fault("[processing]\nmax_concurrent_chunks = 0\n", ["a.toml": "[cache]\nmemory_mb = 1\n"])
                .contains("/parlograph.toml, line 5: processing.max_concurrent_chunks"))
        #expect(try await Self.fault("", ["a.toml": "a = = 1\n"]).contains("/conf.d/a.toml, line 1, column"))
    }

    /// Each service of a machine has inboxes of its own.
    @Test func anotherFileHasAFolderOfItsOwn() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder)
            for name in ["conf.d", "nas.conf.d"] { try place.makeFolder(name) }
            try place.write("log_level = \"debug\"\n", to: "conf.d/a.toml")
            try place.write("log_level = \"error\"\n", to: "nas.conf.d/a.toml")
            try place.write("", to: "nas.toml")
            try place.write("", to: "other.toml")
            #expect(try SettingsLoader.load(place.configuration).logLevel == .debug)
            #expect(try SettingsLoader.load(place["nas.toml"]).logLevel == .error)
            #expect(try SettingsLoader.load(place["other.toml"]).logLevel == .info)
        }
    }

    /// A configuration names programs that are run.
    @Test func aFolderThatOthersMayWriteToIsRefused() async throws {
        await #expect {
            _ = try await Self.load("", ["a.toml": ""]) { place in
                _ = place["conf.d"].withPlatformString { chmod($0, 0o777) }
            }
        } throws: {
            "\($0)".contains("conf.d: others than root and this user may put files there")
                && "\($0)".contains("chmod go-w")
        }
    }

    @Test func theProgramReadsIt() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder)
            try place.makeFolder("conf.d")
            try place.write("[engines.other]\nkind = \"command\"\ncommand = [\"/bin/true\"]\n", to: "conf.d/own.toml")
            try place.writeMarks(0..<1, to: "talk.wav")
            let unknown = try await place.run("transcribe", "--engine", "nobody", "talk.wav")
            #expect(unknown.status == 78 && unknown.errors.contains("offline, other"), "\(unknown.errors)")
        }
    }
}
