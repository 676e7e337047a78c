import FoundationEssentials
import Glibc
import SystemPackage
import TestSupport
import Testing

/// The programs for hooks in `etc/examples`, run by the service, with stand-ins for the mail, the chat and the server.
@Suite(.serialized, .timeLimit(.minutes(10))) struct HookExamplesTests {
    private static func example(_ name: String) -> String {
        ProjectFile.root.appending("etc/examples").appending(name).string
    }

    /// Delivers a recording with a hook that runs an example.
    private static func deliver(
        _ command: [String], named name: String = "talk.wav", environment: [String: String] = [:],
        _ body: (Workplace, Program.Ended) async throws -> Void
    ) async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let list = command.map { "\"\($0.replacing("FOLDER", with: folder.string))\"" }.joined(separator: ", ")
            let place = try Workplace(folder, server: server, inbox: "on_delivered = [\(list)]")
            try place.write("#!/bin/sh\n{ cat; echo \"arguments: $*\"; } > '\(folder.string)/mail'\n", to: "sendmail")
            chmod(place["sendmail"].string, 0o755)
            try place.write("key\n", to: "key")
            try place.writeMarks(0..<3, to: "inbox/\(name)")
            var all = environment
            all["SENDMAIL"] = place["sendmail"].string
            let ended = try await place.run("serve", "--once", environment: all)
            #expect(ended.status == 0 && !ended.errors.contains("hook failed"), "\(ended.errors)")
            try await body(place, ended)
        }
    }

    /// What an example prints that is run by hand.
    private static func words(
        _ name: String, _ arguments: String, environment: String = ""
    ) async throws -> [String] {
        let event = #"{"data": {"name": "talk.wav", "result": "delivered"}}"#
        return try await ShellCommand.run(
            "(echo '\(event)' | \(environment) python3 '\(example(name))' \(arguments)) 2>&1"
        ) { shell in
            var lines: [String] = []
            while let line = await shell.line() { lines.append(line) }
            return lines
        }
    }

    @Test(arguments: [
        "hooks.example.org/secret", "https://hooks.example.org/a secret", "https://hooks.example.org/\nsecret",
        "https://hooks.example.org:secret/", "https://hooks..example.org/secret", "ftp://h/secret", "https://h/sécret",
        "https://[secret/",
    ])
    func noWordOfAChatsAddressIsPrinted(_ address: String) async throws {
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write(Array(address.utf8), to: folder.appending("url"))
            let lines = try await Self.words("chat-message", "'\(folder.string)/url'")
            #expect(lines.count == 1 && !lines.joined().contains("cret"), "\(lines)")
        }
    }

    @Test(arguments: ["sk-secret\nx", "sk secret", "sk-sécret"])
    func noWordOfAKeyIsPrinted(_ key: String) async throws {
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write(Array(key.utf8), to: folder.appending("key"))
            try TestAudioFile.write(Array("text".utf8), to: folder.appending("talk.txt"))
            let lines = try await Self.words(
                "summarize", "http://127.0.0.1:1/v1 small '\(folder.string)/key'",
                environment: "PARLOGRAPH_TXT='\(folder.string)/talk.txt'")
            #expect(lines.count == 1 && !lines.joined().contains("cret"), "\(lines)")
        }
    }

    @Test(arguments: [("mail-transcript", "a@example.org"), ("summarize", "http://127.0.0.1:1/v1 small")])
    func withoutATextTheKeyIsNamed(_ name: String, _ arguments: String) async throws {
        let lines = try await Self.words(name, arguments)
        #expect(lines.count == 1 && lines.first?.contains("put \"txt\" into formats") == true, "\(lines)")
    }

    @Test func aMailHasTheTextAndASafeSubject() async throws {
        try await Self.deliver(
            ["python3", Self.example("mail-transcript"), "office@example.org"], named: "Björn\nBcc: all.wav"
        ) { place, _ in
            let mail = try place.text("mail")
            #expect(mail.contains("m0 m1 m2") && mail.contains("To: office@example.org\n"))
            let head = mail.prefix(upTo: mail.firstRange(of: "\n\n")?.lowerBound ?? mail.endIndex)
            #expect(!head.contains("\nBcc:"), "\(head)")
            #expect(mail.hasSuffix("arguments: -i -- office@example.org\n"))
        }
    }

    @Test func aChatGetsALine() async throws {
        let chat = try FakeTranscriptionServer { _ in FakeTranscriptionServer.Response(text: "ok") }
        defer { chat.stop() }
        let url = "FOLDER/url"
        try await withTemporaryDirectory { other in
            let file = other.appending("engine_url")
            try TestAudioFile.write(Array("\(chat.url)/T/B/x\n".utf8), to: file)
            try await Self.deliver(
                ["python3", Self.example("chat-message"), url], environment: ["CREDENTIALS_DIRECTORY": other.string]
            ) { _, _ in
                let request = try #require(chat.requests.first)
                #expect(request.path == "/T/B/x")
                #expect(String(decoding: request.body, as: UTF8.self).contains("Transcript ready: talk.wav"))
            }
        }
    }

    @Test func aSummaryLiesBesideTheTranscript() async throws {
        let server = try FakeTranscriptionServer { _ in
            FakeTranscriptionServer.Response(text: ##"{"choices": [{"message": {"content": "# Three marks\n"}}]}"##)
        }
        defer { server.stop() }
        try await Self.deliver(
            ["python3", Self.example("summarize"), "\(server.url)/v1", "small", "FOLDER/key"]
        ) { place, ended in
            #expect(try place.text("outbox/talk.summary.md") == "# Three marks\n")
            let request = try #require(server.requests.first)
            #expect(request.path == "/v1/chat/completions" && request.headers["authorization"] == "Bearer key")
            #expect(String(decoding: request.body, as: UTF8.self).contains("m0 m1 m2"))
            #expect(ended.errors.contains("summary written"))
            // A person works on it, and the next recording has the same name.
            try place.write("my summary", to: "outbox/talk.summary.md")
            let text = place["outbox/talk.txt"].string
            let again = try await Self.words(
                "summarize", "'\(server.url)/v1' small; echo $?", environment: "PARLOGRAPH_TXT='\(text)'")
            #expect(again.count == 2 && again.last == "0", "\(again)")
            #expect(again.first?.contains("is there already and stays") == true, "\(again)")
            #expect(try place.text("outbox/talk.summary.md") == "my summary" && server.requests.count == 1)
        }
    }
}
