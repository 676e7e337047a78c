import FoundationEssentials
import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// `on_delivered`, `on_failed` and `webhook`, from a recording that is dropped to whoever is told.
@Suite(.serialized, .timeLimit(.minutes(20)))
struct HookTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    /// A script that is a program, by its path.
    private static func script(_ text: String, _ name: String, in place: Workplace) throws -> String {
        try place.write("#!/bin/sh\n\(text)\n", to: name)
        chmod(place[name].string, 0o755)
        return place[name].string
    }

    /// Writes what it is told into `told-N`, one folder entry for each call.
    private static func recorder(in place: Workplace) throws -> String {
        try script(
            """
            file=$(mktemp "\(place.folder.string)/told-XXXXXX")
            { env | grep ^PARLOGRAPH_ | sort; echo "argument=$1"; echo "text=$(cat "$PARLOGRAPH_TXT" 2>/dev/null)"
              ls "$PARLOGRAPH_RECORDING"; cat; } > "$file.part" 2>&1
            mv "$file.part" "$file"
            echo "a line for the log"
            """, "record", in: place)
    }

    private static func told(_ place: Workplace) throws -> [String] {
        try place.files("").filter { $0.hasPrefix("told-") && !$0.hasSuffix(".part") }
            .map { try place.text($0) }.filter { !$0.isEmpty }
    }

    @Test func aProgramIsToldOnceOfEachRecordingWithPathsAndFigures() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server,
                inbox: """
                    on_delivered = ["\(folder.string)/record", "a b; $(touch x)"]
                    on_failed = ["\(folder.string)/record", "failed"]
                    """)
            _ = try Self.recorder(in: place)
            let name = "Rede \"1\"; $(id).wav"
            try place.writeMarks(0..<12, to: "inbox/\(name)")
            try place.write("this is no music", to: "inbox/broken.mp3")
            let ended = try await place.run(
                "serve", "--once", environment: ["PARLOGRAPH_ENGINES_FAKE_API_KEY": "sk-hidden"])
            #expect(ended.status == 65, "\(ended.errors)")
            let told = try Self.told(place)
            #expect(told.count == 2)
            let delivered = try #require(told.first { $0.contains("PARLOGRAPH_RESULT=delivered\n") })
            for line in [
                "PARLOGRAPH_EVENT=recording.delivered", "PARLOGRAPH_NAME=\(name)", "argument=a b; $(touch x)",
                "PARLOGRAPH_RECORDING=\(folder.string)/done/\(name)", "PARLOGRAPH_ENGINE=fake", "PARLOGRAPH_ATTEMPT=1",
                "text=" + (0..<12).map { "m\($0)" }.joined(separator: " "), "\(folder.string)/done/\(name)",
            ] { #expect(delivered.contains("\(line)\n"), "\(line)\n\(delivered)") }
            #expect(!delivered.contains("sk-hidden"))
            struct Event: Decodable {
                struct Facts: Decodable {
                    let result: String
                    let name: String
                    let seconds: Double
                    let sidecars: [String: String]
                }
                let type: String
                let data: Facts
            }
            let json = try #require(delivered.split(separator: "\n").last)
            let event = try JSONDecoder().decode(Event.self, from: Data(json.utf8))
            #expect(event.type == "recording.delivered" && event.data.name == name && event.data.seconds == 12)
            #expect(event.data.sidecars["srt"].map { FilePath($0) }.map { (try? FileStatus(at: $0)) != nil } == true)
            let failed = try #require(told.first { $0.contains("PARLOGRAPH_RESULT=failed\n") })
            for line in [
                "PARLOGRAPH_ERROR_CODE=notARecording", "\(folder.string)/failed/broken.mp3", "argument=failed",
            ] {
                #expect(failed.contains("\(line)\n"), "\(line)\n\(failed)")
            }
            #expect(ended.errors.contains("a line for the log"))
            #expect(!place.exists("x"))
            // Nobody is told again.
            #expect(try await place.run("serve", "--once").status == 0)
            #expect(try Self.told(place).count == 2)
        }
    }

    @Test func aWebhookIsSignedAndHoldsNoText() async throws {
        let server = try FakeTranscriptionServer.hearing()
        let receiver = try FakeTranscriptionServer { _ in FakeTranscriptionServer.Response(204) }
        defer {
            server.stop()
            receiver.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server,
                inbox: """
                    webhook = { url = "\(receiver.url)/hook?key=hidden", secret_file = "\(folder.string)/secret" }
                    """)
            try place.write(Self.secret + "\n", to: "secret")
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            let request = try #require(receiver.requests.first)
            #expect(receiver.requests.count == 1 && request.method == "POST" && request.path == "/hook?key=hidden")
            let (id, time) = (request.headers["webhook-id"] ?? "", request.headers["webhook-timestamp"] ?? "")
            let key = Array(Data(base64Encoded: String(Self.secret.dropFirst(6))) ?? Data())
            let code = HMAC.sha256(Array("\(id).\(time).".utf8) + request.body, key: key)
            #expect(request.headers["webhook-signature"] == "v1,\(Data(code).base64EncodedString())")
            let body = String(decoding: request.body, as: UTF8.self)
            #expect(body.contains(#""name":"talk.wav""#) && !body.contains("m1"), "\(body)")
            for text in [ended.errors, String(decoding: ended.output, as: UTF8.self)] {
                #expect(!text.contains("MfKQ") && !text.contains("hidden"))
            }
            let journal = try TestAudioFile.read(place["state/jobs.sqlite"])
            #expect(journal.firstRange(of: Array("MfKQ".utf8)) == nil)
        }
    }

    /// It hangs, is ended after its time with what it has started, is shown, and holds nothing up.
    @Test func aHookThatHangsHoldsNothingUpAndIsShown() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server,
                inbox: """
                    on_delivered = ["\(folder.string)/hang"]
                    hook_seconds = 3
                    """)
            _ = try Self.script(
                "trap '' TERM; sleep 1000 & echo $! > pid.part; mv pid.part pid; wait", "hang", in: place)
            try await place.start("serve") { process in
                try await process.says("ready")
                for number in 0..<4 { try place.writeMarks(number..<number + 2, to: "inbox/\(number).wav") }
                try await eventually("four transcripts") {
                    (0..<4).allSatisfy { place.exists("outbox/\($0).json") && place.exists("done/\($0).wav") }
                }
                try await process.says("did not end within 3 s")
                let sleeper = pid_t(try place.text("pid").filter(\.isNumber)) ?? 0
                #expect(sleeper > 0)
                try await eventually("the fault in status") {
                    try await place.run("status").lines.contains {
                        $0.contains("on_delivered") && $0.contains("hook_seconds")
                    }
                }
                #expect(
                    try await place.run("jobs").lines.contains {
                        $0.contains("on_delivered: 1 attempt failed, tried again at")
                    })
                try await eventually("a remark on the page") {
                    try place.text("outbox/status.html").contains("does not work at the moment")
                }
                process.send(SIGTERM)
                #expect(try await process.end().status == 0)
            }
            let last = pid_t(try place.text("pid").filter(\.isNumber)) ?? 0
            try await eventually("the end of all that it started") { kill(last, 0) != 0 }
        }
    }

    /// Whatever moment the service is killed at: who is to be told is told.
    @Test func killedBetweenDeliveryAndTheHookItIsToldAfterTheRestart() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: #"on_delivered = ["\#(folder.string)/hook"]"#)
            // The first time it waits until it is killed together with the service.
            _ = try Self.script(
                "cat > input; [ -e begun ] && echo \"$PARLOGRAPH_EVENT_ID\" >> told || { echo \"$PARLOGRAPH_EVENT_ID\" > begun; sleep 1000; }",
                "hook", in: place)
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            try await place.start("serve") { process in
                try await eventually("the hook") { place.exists("begun") }
                process.send(SIGKILL)
            }
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.text("told") == (try place.text("begun")))
            #expect(try place.text("input").contains(#""type":"recording.delivered""#))
            #expect(server.requests.count == 1)
        }
    }

    @Test(arguments: [
        (#"webhook = { url = "http://example.org/x" }"#, "use https, or set allow_http = true"),
        (#"webhook = { url = "ftp://example.org/x" }"#, "must be an http or https address"),
        (#"webhook = { secret_file = "/x" }"#, "webhook.url is missing"),
        (#"webhook = { url = "https://h/", secret = "x" }"#, "unknown key \"secret\""),
        (#"webhook = "https://h/""#, "must be a section"),
        (#"webhook = { url = "https://h/", secret_file = "/nowhere/x" }"#, "/nowhere/x cannot be read"),
        (#"on_delivered = [""]"#, "names no program"),
    ])
    func whatCannotWorkIsRefusedWithItsLine(_ line: String, _ words: String) async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, "\(Workplace.inbox(in: folder))\n\(line)")
            for name in ["inbox", "outbox", "done", "failed"] { try place.makeFolder(name) }
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 78)
            #expect(ended.errors.contains(words) && ended.errors.contains("parlograph.toml, line 9"), "\(ended.errors)")
        }
    }

    /// Root may run whatever anybody may run.
    @Test(.enabled(if: geteuid() == 0)) func checkLooksWithTheRightsOfTheServicesUser() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server,
                inbox: """
                    on_delivered = ["\(folder.string)/hook"]
                    on_failed = ["/bin/true"]
                    webhook = { url = "https://h.example/", secret_file = "\(folder.string)/secret" }
                    """)
            try place.write(Self.secret, to: "secret")
            #expect(chmod(place["secret"].string, 0o600) == 0)
            _ = try Self.script("exit 0", "hook", in: place)
            #expect(chmod(place["hook"].string, 0o700) == 0)
            try place.makeFolder("state")
            let nobody: uid_t = 65534
            #expect(chown(place["state"].string, nobody, nobody) == 0)
            for arguments in [["check"], ["check", "--configuration-only"]] {
                let lines = try await place.run(arguments.map { Array($0.utf8) }).lines
                #expect(
                    lines.contains { $0.hasPrefix("FAIL") && $0.contains("on_delivered") && $0.contains(" nobody,") },
                    "\(lines)")
                #expect(lines.contains { $0.hasPrefix("FAIL") && $0.contains("secret_file") }, "\(lines)")
                #expect(lines.contains { $0.hasPrefix("ok") && $0.contains("on_failed") }, "\(lines)")
            }
        }
    }

    @Test func checkTellsOfAMissingProgramAndRunsNone() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server,
                inbox: "on_delivered = [\"\(folder.string)/hook\"]\non_failed = [\"/no/such/program\"]")
            _ = try Self.script("touch called", "hook", in: place)
            let lines = try await place.run("check").lines
            #expect(lines.contains { $0.hasPrefix("ok") && $0.contains("on_delivered") }, "\(lines)")
            #expect(
                lines.contains { $0.hasPrefix("FAIL") && $0.contains("on_failed") && $0.contains("/no/such/program") })
            #expect(!place.exists("called"))
        }
    }
}
