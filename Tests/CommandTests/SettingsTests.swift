import Engines
import Inbox
import ParlographCommands
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import TranscriptCache
import Transcription

/// The configuration file and the environment.
@Suite struct SettingsTests {
    private static func parse(_ text: String, _ environment: [String: String] = [:]) throws -> Settings {
        try SettingsParser.parse(
            try ConfigurationText(parsing: text, name: "test.toml"), environment: environment)
    }

    /// What is wrong, for people; nil when nothing is.
    private static func fault(_ text: String, _ environment: [String: String] = [:]) -> String? {
        do {
            _ = try parse(text, environment)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func withoutAFileEverythingHasItsDocumentedDefault() throws {
        let settings = try SettingsParser.parse(ConfigurationText(), environment: [:])
        #expect(settings.stateDirectory == "/var/lib/parlograph")
        #expect(settings.processing.maxConcurrentChunks == 4)
        #expect(settings.processing.chunkSizeMinMB == 10)
        #expect(settings.processing.chunkSizeMaxMB == 25)
        #expect(settings.processing.retry.maximumRetries == 3)
        #expect(settings.processing.retry.delay == .seconds(5))
        #expect(settings.processing.progressInterval == .seconds(1))
        #expect(settings.cache.memoryBytes == 64 << 20)
        #expect(settings.cache.diskBytes == 1024 << 20)
        #expect(settings.cache.timeToLiveSeconds == 86400)
        #expect(settings.engines.keys.sorted() == ["offline"])
        let inbox = try #require(settings.inboxes.first)
        #expect(settings.inboxes.count == 1)
        #expect(inbox.path == "/srv/parlograph/inbox")
        #expect(inbox.formats == [.txt, .srt, .json])
        #expect(inbox.after == .move)
        #expect(inbox.engine == "offline")
        #expect(inbox.options.language == nil)
        #expect(inbox.maximumRecording == 20 << 30)
        #expect(inbox.showsStatusPage && !inbox.languageFromPath && inbox.glossary.isEmpty)
        #expect(inbox.portableNames && inbox.foreignFiles == .leave)
        #expect(settings.processing.minimumFreeMB == 100)
        #expect(settings.warnings.isEmpty)
    }

    @Test func aGlossaryThatIsTooLongIsTold() throws {
        let words = (0..<200).map { "\"word\($0)\"" }.joined(separator: ", ")
        let settings = try Self.parse("[[inbox]]\nglossary = [\(words)]")
        #expect(settings.warnings.count == 1)
        #expect(settings.warnings.first?.hasPrefix("test.toml, line 2: inbox[0].glossary: only the first ") == true)
    }

    @Test func aVariableThatSetsNothingIsToldWithTheNearest() throws {
        let settings = try Self.parse(
            "[engines.cloud]\nkind = \"openai\"\nbase_url = \"http://h\"",
            [
                "PARLOGRAPH_INBOX_LANGAUGE": "de", "PARLOGRAPH_ENGINES_OTHER_API_KEY": "sk-4711",
                "PARLOGRAPH_ENGINES_CLOUD_API_KEY": "sk-4712", "PARLOGRAPHISH": "x", "HOME": "/root",
            ])
        try #require(settings.warnings.count == 2)
        #expect(settings.warnings[1].hasPrefix("PARLOGRAPH_INBOX_LANGAUGE in the environment sets nothing"))
        #expect(settings.warnings[1].contains("PARLOGRAPH_INBOX_LANGUAGE."))
        #expect(settings.warnings[0].contains("must have its section"))
        #expect(!settings.warnings.joined().contains("sk-"))
    }

    @Test(arguments: [
        ("processing", "max_concurrent_chunks", "1", "256", ["0", "257", "-1", "2.5", "\"4\"", "true"]),
        ("processing", "chunk_size_min_mb", "1", "25", ["0", "4097", "26"]),
        ("processing", "chunk_size_max_mb", "10", "4096", ["0", "4097"]),
        ("processing", "max_chunk_retries", "0", "100", ["-1", "101"]),
        ("processing", "chunk_retry_delay_seconds", "0", "3600", ["-0.5", "3600.5", "\"5\"", "nan", "inf"]),
        ("processing", "progress_update_interval_seconds", "0.1", "3600", ["0", "3601"]),
        ("processing", "shutdown_seconds", "0", "3600", ["-1", "3601"]),
        ("cache", "memory_mb", "0", "65536", ["-1", "65537"]),
        ("cache", "disk_mb", "0", "16777216", ["-1", "16777217", "9223372036854775807"]),
        ("cache", "ttl_seconds", "0", "3153600000", ["-1", "3153600001", "1979-05-27"]),
        ("processing", "min_free_space_mb", "0", "16777216", ["-1", "16777217", "\"1\""]),
        ("[inbox]", "max_recording_mb", "0", "16777216", ["-1", "16777217", "0.5"]),
        ("[inbox]", "settle_seconds", "0.05", "3600", ["0", "0.01", "3601"]),
        ("[inbox]", "rescan_seconds", "1", "86400", ["0", "0.9", "86401"]),
    ]) func numbersHaveARange(_ section: String, _ key: String, _ low: String, _ high: String, _ wrong: [String]) {
        for value in [low, high] { #expect(Self.fault("[\(section)]\n\(key) = \(value)\n") == nil, "\(value)") }
        for value in wrong {
            let fault = Self.fault("# A comment.\n[\(section)]\n\(key) = \(value)\n")
            #expect(fault?.hasPrefix("test.toml, line ") == true, "\(value): \(fault ?? "no fault")")
            #expect(fault?.contains(key) == true)
        }
    }

    @Test(arguments: [
        ("log_level = \"loud\"", "log_level"), ("state_directory = \"relative\"", "absolute path"),
        ("[[inbox]]\nafter = \"burn\"", "move, keep, delete"), ("[[inbox]]\nwatch = \"never\"", "auto, events, poll"),
        ("[[inbox]]\nforeign_files = \"move\"", "leave, fail"), ("[[inbox]]\nportable_names = 1", "true or false"),
        ("[[inbox]]\nformats = []", "at least one"), ("[[inbox]]\nformats = [\"doc\"]", "docx, odt"),
        ("[[inbox]]\ntxt_times = \"always\"", "none, paragraph, minute"),
        ("[[inbox]]\nsubtitle_names = \"x.srt\"", "talk.srt, talk.{language}.srt"),
        ("[[inbox]]\nsubtitle_line_ends = \"cr\"", "lf, crlf"), ("[[inbox]]\nskip_subtitled = 1", "true or false"),
        ("[[inbox]]\nformats = [1]", "list of texts"),
        ("[[inbox]]\nlanguage = \"englsh\"", "nearest known one is \"english\""),
        ("[[inbox]]\nspeaker_labels = \"some\"", "change, always, never"),
        ("[[inbox]]\nignore = [\"a/b\"]", "slash"), ("[[inbox]]\nignore = [\"**\"]", "every recording"),
        ("[[inbox]]\nignore = \"a\"\nglossary = 3", "list of texts"),
        ("[[inbox]]\nlanguage_from_path = \"yes\"", "true or false"), ("[[inbox]]\nstatus_page = 1", "true or false"),
        ("[[inbox]]\nengine = \"cloud\"", "[engines.cloud]"), ("[inbox]\npath = \"/a\"", "[[inbox]]"),
        ("processing = 3", "[processing]"), ("[engines]\ncloud = 3", "[engines.cloud]"),
        ("[engines.cloud]\nmodel = \"x\"", "kind"), ("[engines.cloud]\nkind = \"openai\"", "base_url"),
        ("[engines.own]\nkind = \"command\"", "command"),
        ("[engines.own]\nkind = \"magic\"", "offline, openai, command"),
        ("[engines.c]\nkind = \"openai\"\nbase_url = \"http://h\"\nprofile = \"best\"", "profile"),
        ("[engines.offline]\nchunk_max_seconds = 60", "chunk_max_seconds"), ("[processing\n", "line 1"),
        ("[cache]\nmemory_mb = 1\nmemory_mb = 2\n", "line 3"),
    ]) func whatIsWrongIsNamed(_ text: String, _ word: String) throws {
        let fault = try #require(Self.fault(text))
        #expect(fault.contains("test.toml"), "\(fault)")
        #expect(fault.contains(word), "\(fault)")
    }

    @Test(arguments: [
        ("stat_directory = \"/a\"", 1, "stat_directory", "state_directory"),
        ("\n\n[processing]\nmax_chunk_retry = 1", 4, "max_chunk_retry", "max_chunk_retries"),
        ("[cache]\nmemory_mb = 1\nttl_second = 5", 3, "ttl_second", "ttl_seconds"),
        ("[[inbox]]\npath = \"/a\"\n[[inbox]]\nwacth = \"poll\"", 4, "wacth", "watch"),
        (
            "[engines.cloud]\nkind = \"openai\"\nbase_url = \"http://h/v1\"\napi_keyfile = \"/k\"", 4, "api_keyfile",
            "api_key_file"
        ),
        ("[engines.offline]\nmodell = \"m\"", 2, "modell", "model"),
        ("[proccessing]\nmax_chunk_retries = 1", 1, "proccessing", "processing"),
    ]) func anUnknownKeyIsNamedWithLineAndNearest(_ text: String, _ line: Int, _ key: String, _ nearest: String) throws
    {
        let fault = try #require(Self.fault(text))
        #expect(fault.hasPrefix("test.toml, line \(line): unknown key \"\(key)\""), "\(fault)")
        #expect(fault.contains("nearest known key is \"\(nearest)\""), "\(fault)")
    }

    @Test func severalInboxesEachWithItsOwn() throws {
        let settings = try Self.parse(
            """
            [[inbox]]
            path = "/srv/a/../b/"
            language = "de"
            formats = ["txt", "vtt", "txt"]

            [[inbox]]
            path = "/srv/c"
            engine = "cloud"
            after = "keep"
            watch = "poll"
            settle_seconds = 0.5
            prompt = "Kubernetes"

            [engines.cloud]
            kind = "openai"
            base_url = ["http://one/v1", "http://two/v1"]
            api_rate_limit_per_minute = 20
            audio_seconds_per_hour = 7200
            api_limit_mb = 10
            """)
        try #require(settings.inboxes.count == 2)
        let (first, second) = (settings.inboxes[0], settings.inboxes[1])
        #expect(first.path == "/srv/b")
        #expect(first.formats == [.txt, .vtt])
        #expect(first.options == TranscriptionOptions(language: "de", prompt: nil))
        #expect(second.engine == "cloud")
        #expect(second.after == .keep)
        #expect(second.watch == .poll)
        #expect(second.settle == .milliseconds(500))
        #expect(second.options == TranscriptionOptions(language: nil, prompt: "Kubernetes"))
        let cloud = try settings.engine("cloud")
        #expect(cloud.requestsPerMinute == 20)
        #expect(cloud.audioSecondsPerHour == 7200)
        let engine = try #require(cloud.engine as? OpenAIEngine).settings
        #expect(engine.baseURLs == ["http://one/v1", "http://two/v1"])
        #expect(engine.apiLimitBytes == 10 << 20)
        #expect(throws: ConfigurationFault.self) { try settings.engine("other") }
    }

    @Test func theEnvironmentWinsOverTheFile() throws {
        let text = """
            [processing]
            max_concurrent_chunks = 2
            [[inbox]]
            formats = ["txt"]
            [engines.my-cloud]
            kind = "openai"
            base_url = "http://file/v1"
            """
        let settings = try Self.parse(
            text,
            [
                "PARLOGRAPH_PROCESSING_MAX_CONCURRENT_CHUNKS": "8", "PARLOGRAPH_INBOX_FORMATS": "srt, json",
                "PARLOGRAPH_STATE_DIRECTORY": "/state", "PARLOGRAPH_ENGINES_MY_CLOUD_BASE_URL": "http://variable/v1",
                "PARLOGRAPH_ENGINES_MY_CLOUD_API_KEY": "sk-4711", "PARLOGRAPH_CACHE_TTL_SECONDS": "60",
            ])
        #expect(settings.processing.maxConcurrentChunks == 8)
        #expect(settings.inboxes.first?.formats == [.srt, .json])
        #expect(settings.stateDirectory == "/state")
        #expect(settings.cache.timeToLiveSeconds == 60)
        let cloud = try settings.engine("my-cloud")
        let engine = try #require(cloud.engine as? OpenAIEngine).settings
        #expect(engine.baseURLs == ["http://variable/v1"])
        #expect(cloud.key?.secret != nil)
        // A secret that is printed by mistake stays one.
        #expect(!"\(settings)".contains("4711"))

        for (name, value) in [
            ("PARLOGRAPH_PROCESSING_MAX_CONCURRENT_CHUNKS", "0"), ("PARLOGRAPH_CACHE_DISK_MB", "much"),
            ("PARLOGRAPH_ENGINES_MY_CLOUD_INSECURE", "perhaps"), ("PARLOGRAPH_INBOX_WATCH", "x"),
        ] {
            let fault = try #require(Self.fault(text, [name: value]))
            #expect(fault.hasPrefix(name), "\(fault)")
        }
    }

    @Test func whatAnEngineMayBeTold() throws {
        let settings = try Self.parse(
            """
            [engines.offline]
            threads = 1
            [engines.cloud]
            kind = "openai"
            base_url = "http://h"
            language_rule = "must_send"
            language_form = "bcp47"
            upload_codec = "wav"
            auth_header = "api-key"
            fallback = "own"
            [engines.own]
            kind = "command"
            command = ["stt"]
            max_concurrent = 2
            temporary_directory = "/dev/shm"
            fallback = "offline"
            """)
        #expect(settings.chain(of: "cloud") == ["cloud", "own", "offline"])
        let offline = try #require(try settings.engine("offline").engine as? OfflineEngine).settings
        let cloud = try #require(try settings.engine("cloud").engine as? OpenAIEngine).settings
        let own = try #require(try settings.engine("own").engine as? CommandEngine).settings
        #expect(offline.threads == 1)
        #expect(cloud.languageRule == .mustSend && cloud.languageForm == .bcp47)
        #expect(cloud.uploadCodec == .wav && cloud.authorization == .apiKey)
        #expect(own.maximumConcurrency == 2 && own.temporaryDirectory == "/dev/shm")

        let server = "[engines.c]\nkind = \"openai\"\nbase_url = \"http://h\"\n"
        for (wrong, words) in [
            (server + "language_rule = \"ask\"", "omit, auto, must_send"),
            (server + "language_form = \"long\"", "primary, bcp47, openai"),
            (server + "upload_codec = \"mp3\"", "flac, wav"),
            (server + "auth_header = \"basic\"", "bearer, api-key, none"),
            ("[engines.offline]\nthreads = 0", "threads"),
            ("[engines.offline]\nfallback = \"c\"", "unknown key \"fallback\""),
            ("[engines.o]\nkind = \"command\"\ncommand = [\"a\"]\nmax_concurrent = 0", "max_concurrent"),
            ("[engines.o]\nkind = \"command\"\ncommand = [\"a\"]\ntemporary_directory = \"tmp\"", "absolute"),
        ] {
            let fault = try #require(Self.fault(wrong))
            #expect(fault.contains(words), "\(fault)")
        }
    }

    @Test func theKeyComesFromItsFileWithoutTheLineBreak() async throws {
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write(Array("sk-4711\r\n".utf8), to: folder.appending("key"))
            let settings = try Self.parse(
                "[engines.c]\nkind = \"openai\"\nbase_url = \"http://h\"\napi_key_file = \"\(folder.string)/key\"")
            #expect(try settings.engine("c").key?.secret?.isHeaderSafe == true)
        }
    }

    @Test(arguments: [
        ("pt_br", "pt-BR"), ("English", "en"), ("iw", "he"), ("auto", nil), ("AUTO", nil), ("zh-Hans", "zh-Hans"),
    ]) func aLanguageIsSetHoweverItIsWritten(_ text: String, _ tag: String?) throws {
        let inbox = try Self.parse("[[inbox]]\nlanguage = \"\(text)\"").inboxes[0]
        #expect(inbox.options.language == tag)
    }

    @Test(arguments: [
        ("xx", nil), ("englsh", "english"), ("en-USA", "en"), ("", nil), (String(repeating: "e", count: 10_000), nil),
        ("de;rm", nil), ("\u{1B}[2J", nil),
    ]) func whatIsNoLanguageIsRefusedWithTheNearestThatIsOne(_ text: String, _ nearest: String?) {
        struct Refusal: Error { let words: String }
        let refusal = #expect(throws: Refusal.self) { try Language.read(text) { Refusal(words: $0) } }
        let words = refusal?.words ?? ""
        #expect(words.contains("pt-BR") && words.utf8.count < 300)
        if let nearest { #expect(words.contains("nearest known one is \"\(nearest)")) }
    }
}
