import Engines
import TestSupport
import Testing
import Transcription

/// A server may know our secrets and say them back, in any form and any place.
@Suite struct RedactionTests {
    private static let key = "ab+/=c%d&e\"f\\g~XYZ0123"
    private static let url = "https://user:URLPW99%40x@host.example/v1?sig=QUERYSECRET&api-version=2024-06-01"
    private let redaction = Redaction(key: Secret(key), urls: [url])

    @Test(arguments: [
        key, "ab%2B%2F%3Dc%25d%26e%22f%5Cg~XYZ0123", "ab%2b%2f%3dc%25d%26e%22f%5cg~XYZ0123",
        "ab+/=c%d&amp;e&quot;f\\g~XYZ0123", "ab+/=c%d&e\\\"f\\\\g~XYZ0123", "c%d&e\"f\\g~", "URLPW99@x", "URLPW99%40x",
        "QUERYSECRET", "dXNlcjpVUkxQVzk5QHg=", "XNlcjpVUkxQVzk5",
    ]) func noFormOfASecretIsToldOn(_ form: String) {
        let text = redaction.message("bad key \(form) sent")
        #expect(text.hasPrefix("bad key [redacted]") && text.hasSuffix(" sent"), "\(text)")
        #expect(text.utf8.count <= "bad key [redacted]==== sent".utf8.count, "\(text)")
    }

    @Test func whatIsNoSecretStays() {
        let text = "The user of host.example asked for api-version 2024-06-01: 100 %, A & B, c:\\dir."
        #expect(redaction.message(text) == text)
        #expect(Redaction(key: nil, urls: ["https://host/v1"]).message(text) == text)
    }

    /// A word that looks like a part of a password is still a word.
    @Test func aTranscriptLosesWholeSecretsOnly() {
        let redaction = Redaction(key: Secret("production-transcriptions-0123456789"), urls: [])
        func heard(_ text: String) -> String {
            let range = SampleRange(0, 16000)
            let segment = Segment(range: range, text: text, words: [Word(range: range, text: text, confidence: nil)])
            let out = redaction.transcript(ChunkTranscript(language: nil, segments: [segment])).segments[0]
            #expect(out.words[0].text == out.text)
            return out.text
        }
        #expect(heard("The transcriptions of this production") == "The transcriptions of this production")
        #expect(heard("it was Bearer production-transcriptions-0123456789 indeed") == "it was Bearer [redacted] indeed")
    }

    private static let echoed = "sk-test-0123456789abcdef"

    @Test(arguments: [
        "http://x.example/?k=\(echoed)", "http://x.example/\(echoed)/a", "https://u:\(echoed)@x.example/a#\(echoed)",
        "/login?k=\(echoed)", "http://x.example/%73k-test-0123456789abcde%66",
    ]) func aRedirectTellsNoSecret(_ location: String) async throws {
        let server = try FakeTranscriptionServer { _ in
            .init(307, headers: [(name: "Location", value: location)], text: "{}")
        }
        defer { server.stop() }
        let cloud = try engine(server) { $0.apiKey = Secret(Self.echoed) }
        let error = await transcriptionError {
            try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
        }
        let message = try #require(error?.message)
        #expect(!message.contains("0123456789") && !message.contains("u:") && !message.contains("?"), "\(message)")
        #expect(message.contains(location.hasPrefix("/") ? "to /login," : "x.example"))
        #expect(message.contains("answered 307. The address redirects"))
    }

    @Test func aTranscriptThatQuotesTheKeyDoesNotKeepIt() async throws {
        let server = try FakeTranscriptionServer { request in
            .init(text: #"{"text":"x","segments":[{"start":0,"end":1,"text":"you sent \#(Self.echoed) here"}]}"#)
        }
        defer { server.stop() }
        let cloud = try engine(server) { $0.apiKey = Secret(Self.echoed) }
        let heard = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
        #expect(heard.segments.map(\.text) == ["you sent [redacted] here"])
    }

    @Test func anAddressWithAPasswordIsNotQuoted() async throws {
        let error = await transcriptionError {
            var settings = OpenAIEngineSettings(name: "cloud", baseURLs: ["ftp://u:PASSWORD9@h/"], model: "m")
            settings.requestTimeout = .seconds(1)
            _ = try OpenAITranscriber(settings: settings, loop: CurlLoop(), pool: testPool)
        }
        #expect(error?.code == .configuration && error?.message.contains("PASSWORD9") == false)
    }
}

/// What a refusal advises depends on what is set.
@Suite struct AdviceTests {
    private func message(_ classifier: ResponseClassifier, _ status: Int) -> String {
        var request = ResponseClassifier.Request(host: "h", url: "http://h/v1/audio/transcriptions", sampleCount: 1)
        request.proxyVariable = "http_proxy"
        return classifier.classify(HTTPResponse(status: status), to: request, now: 0).error.message
    }

    @Test func aMissingKeyIsNotAWrongKey() {
        #expect(
            message(ResponseClassifier(engine: "e"), 401).contains("No key is set: set api_key_file of [engines.e]"))
        #expect(message(ResponseClassifier(engine: "e", secret: Secret("abc")), 401).contains("Check api_key_file"))
    }

    @Test func theAddressThatIsNotThereIsNamed() {
        #expect(message(ResponseClassifier(engine: "e"), 404).contains("http://h/v1/audio/transcriptions"))
    }

    @Test func aProxyIsTheCauseOfItsOwnFaults() {
        let refused = message(ResponseClassifier(engine: "e"), 407)
        #expect(refused.contains("http_proxy") && !refused.contains("api_key_file"))
        var request = ResponseClassifier.Request(host: "h", sampleCount: 1)
        request.proxyVariable = "https_proxy"
        for (code, detail) in [(Int32(7), "refused"), (5, "unknown"), (56, "CONNECT tunnel failed, response 407")] {
            let error = ResponseClassifier(engine: "e")
                .classify(HTTPFailure(curlCode: code, detail: detail), to: request).error
            #expect(error.message.contains("https_proxy") && !error.message.contains("base_url"))
        }
    }

    @Test(
        arguments: [
            ("http://h/v1", ["http_proxy": "p"], "http_proxy"), ("https://h/v1", ["http_proxy": "p"], nil),
            ("https://h/v1", ["HTTPS_PROXY": "p"], "HTTPS_PROXY"), ("https://h/v1", ["all_proxy": "p"], "all_proxy"),
            ("http://h/v1", ["HTTP_PROXY": "p"], nil), ("http://127.0.0.1/v1", ["http_proxy": "p"], nil),
            ("http://a.h.de:80/v1", ["http_proxy": "p", "no_proxy": "x, .h.de"], nil),
            ("http://ah.de/v1", ["http_proxy": "p", "no_proxy": "h.de"], "http_proxy"),
        ] as [(String, [String: String], String?)])
    func theVariableIsNamedThatSetTheProxy(_ url: String, _ environment: [String: String], _ name: String?) {
        #expect(ProxyVariable.name(forURL: url, in: environment) == name)
    }
}
