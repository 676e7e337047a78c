import Engines
import TestSupport
import Testing
import Transcription

/// Several addresses of one service, of which one answers quickly what is no transcript.
@Suite(.timeLimit(.minutes(20))) struct AddressFaultTests {
    private static let ok = #"{"text":"ok","segments":[{"start":0,"end":1,"text":"ok"}]}"#
    private let options = TranscriptionOptions()

    private func servers(
        _ answers: [@Sendable (FakeTranscriptionServer.Request) -> FakeTranscriptionServer.Response]
    ) throws -> [FakeTranscriptionServer] {
        try answers.map { try FakeTranscriptionServer(script: $0) }
    }

    @Test(arguments: [
        (301, ""), (400, #"{"error":{"message":"unsupported"}}"#), (401, #"{"detail":"key"}"#), (403, "{}"),
        (404, #"{"detail":"model m is not installed"}"#), (405, "{}"), (422, "{}"), (429, ""), (501, "{}"),
        (200, "<html>login</html>"), (200, "not JSON"), (200, #"{"error":{"message":"out of memory"}}"#),
    ]) func whoAnswersQuicklyThatItCannotCostsNoChunk(_ status: Int, _ body: String) async throws {
        let servers = try servers([{ _ in .init(status, text: body) }, { _ in .init(text: Self.ok) }])
        defer { for server in servers { server.stop() } }
        let cloud = try engine(servers[0]) {
            $0.baseURLs = servers.map(\.url)
            $0.prompt = "Names"
        }
        for number in 0..<8 {
            let heard = try await cloud.transcribe(marked(number..<number + 1), options: options)
            #expect(heard.segments.map(\.text) == ["ok"])
        }
        // At first, and again after each of its rests, which grow.
        #expect((1...7).contains(servers[0].requests.count))
        #expect(servers[1].requests.count == 8)
        #expect(servers[1].requests.allSatisfy { $0.field("prompt") == "Names" }, "what one refuses the other may take")
    }

    @Test func onlyTheRefusalOfAllAddressesEndsTheRecording() async throws {
        let servers = try servers([{ _ in .init(401, text: "{}") }, { _ in .init(404, text: "{}") }])
        defer { for server in servers { server.stop() } }
        let down = try ClosedPort()
        defer { withExtendedLifetime(down) {} }
        let hopeless = try engine(servers[0]) { $0.baseURLs = servers.map(\.url) }
        let end = await transcriptionError { try await hopeless.transcribe(marked(0..<1), options: options) }
        #expect(end?.remedy == .giveUpRecording)
        #expect(servers.map(\.requests.count) == [1, 1])
        let hopeful = try engine(servers[0]) { $0.baseURLs = [servers[0].url, down.url] }
        let failure = await transcriptionError { try await hopeful.transcribe(marked(0..<1), options: options) }
        #expect(failure?.remedy == .retry(after: nil), "the one that is down may take it")
    }

    /// A chunk that a server finds wrong is asked of one other, not of each.
    @Test func aRequestThatIsRefusedForItselfIsAskedOfOneOther() async throws {
        let servers = try servers(Array(repeating: { _ in .init(400, text: "{}") }, count: 3))
        defer { for server in servers { server.stop() } }
        let cloud = try engine(servers[0]) { $0.baseURLs = servers.map(\.url) }
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(error?.remedy == .giveUpChunk)
        #expect(servers.map(\.requests.count) == [1, 1, 0])
    }

    /// Another form of the request is no other address's business.
    @Test func aFormThatIsNotTakenIsChangedAtTheSameServer() async throws {
        let servers = try servers(
            Array(
                repeating: { request in
                    request.field("response_format") == "json"
                        ? .init(text: #"{"text":"hi"}"#)
                        : .init(400, text: #"{"error":{"message":"response_format 'verbose_json' is not compatible"}}"#)
                }, count: 2))
        defer { for server in servers { server.stop() } }
        let cloud = try engine(servers[0]) { $0.baseURLs = servers.map(\.url) }
        #expect(try await cloud.transcribe(marked(0..<1), options: options).timesAreEstimated)
        #expect(servers.map(\.requests.count).reduce(0, +) == 2)
    }

    @Test(arguments: [429, 503]) func aPauseIsThatOfTheAddressWhichAsksForIt(_ status: Int) async throws {
        let servers = try servers([
            { _ in .init(status, headers: [("Retry-After", "800")], text: "") },
            { request in
                request.number < 5 ? .init(text: Self.ok) : .init(429, headers: [("Retry-After", "880")], text: "")
            },
        ])
        defer { for server in servers { server.stop() } }
        let cloud = try engine(servers[0]) { $0.baseURLs = servers.map(\.url) }
        for _ in 0..<5 { #expect(try await cloud.transcribe(marked(0..<1), options: options).segments.count == 1) }
        #expect(servers.map(\.requests.count) == [1, 5], "the first is left alone")
        // Now both want a pause: until the first of them is over.
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        guard case .retry(let pause?) = error?.remedy else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.pressure == .refused && pause <= .seconds(800) && pause > .seconds(60))
        #expect(servers.map(\.requests.count) == [1, 6])
    }
}
