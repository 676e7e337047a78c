import Engines
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// Answers that end early in a way that looks like an end: none of them is a transcript.
@Suite(.timeLimit(.minutes(20))) struct CutAnswerTests {
    /// How the body reaches the engine.
    enum Carriage: Sendable, CaseIterable {
        case withLength, inChunks
        /// The end of the connection is the end of the body: nobody can tell whether it is that.
        case untilClose
    }

    private static let onlyText = #"{"error":{"message":"unsupported response_format","param":"response_format"}}"#

    private static func heard(
        _ response: FakeTranscriptionServer.Response, asText: Bool
    ) async throws -> (text: String?, error: TranscriptionError?) {
        let server = try FakeTranscriptionServer { request in
            if asText, request.field("response_format") != "text" {
                return .init(400, text: onlyText)
            }
            return response
        }
        defer { server.stop() }
        let cloud = try engine(server)
        var transcript: ChunkTranscript?
        let error = await transcriptionError {
            transcript = try await cloud.transcribe(marked(0..<4), options: TranscriptionOptions())
        }
        return (transcript?.segments.map(\.text).joined(separator: " "), error)
    }

    private static func response(
        _ body: [UInt8], _ carriage: Carriage, isCut: Bool = false, headers: [(name: String, value: String)] = []
    ) -> FakeTranscriptionServer.Response {
        var response = FakeTranscriptionServer.Response(
            headers: headers, body: body, ending: isCut ? .truncated : .keepAlive)
        response.isChunked = carriage == .inChunks
        response.isFramed = carriage != .untilClose
        return response
    }

    private static let texts = [
        "One two three. Four five six.",
        "1\n00:00:00,000 --> 00:00:01,000\nOne two three.\n\n2\n00:00:01,000 --> 00:00:02,000\nFour five six.\n",
        "WEBVTT\n\n00:00.000 --> 00:01.000\nOne two three.\n\n00:01.000 --> 00:02.000\nFour five six.\n",
        "data: {\"text\":\"One two three.\"}\n\ndata: {\"text\":\"Four five six.\"}\n\n",
    ]

    @Test(arguments: texts, Carriage.allCases)
    func whatHasNoEndOfItsOwnIsTakenWhereItsCarriageHasOne(text: String, carriage: Carriage) async throws {
        let whole = try await Self.heard(Self.response(Array(text.utf8), carriage), asText: true)
        if carriage == .untilClose {
            #expect(whole.text == nil)
            #expect(whole.error?.remedy == .retry(after: nil))
            #expect(whole.error?.message.contains("does not tell where it ends") == true, "\(whole)")
        } else {
            #expect(whole.text == "One two three. Four five six.", "\(whole)")
        }
        let cut = try await Self.heard(Self.response(Array(text.utf8), carriage, isCut: true), asText: true)
        #expect(cut.text == nil)
        #expect(cut.error?.remedy == .retry(after: nil), "\(cut)")
    }

    @Test func nothingAtAllIsNoSilence() async throws {
        let silence = try await Self.heard(Self.response([], .withLength), asText: true)
        #expect(silence.text == "")
        let closed = try await Self.heard(Self.response([], .untilClose), asText: true)
        #expect(closed.text == nil)
        #expect(closed.error?.remedy == .retry(after: nil))
    }

    @Test(arguments: [
        #"{"text":"One two three."}"#, #"[{"text":"One two three."}]"#, #""One two three.""#,
        "data: {\"type\":\"transcript.text.delta\",\"delta\":\"One\"}\n\n"
            + "data: {\"type\":\"transcript.text.done\",\"text\":\"One two three.\"}\n\n",
        "data: {\"text\":\"One two three.\"}\n\ndata: [DONE]\n\n",
    ]) func whatHasAnEndOfItsOwnIsTakenHoweverItComes(body: String) async throws {
        let whole = try await Self.heard(Self.response(Array(body.utf8), .untilClose), asText: false)
        #expect(whole.text == "One two three.", "\(whole)")
        // Cut at any byte that is not just white space it is none.
        for count in [body.utf8.count - 4, body.utf8.count / 2, 9] {
            let cut = try await Self.heard(Self.response(Array(body.utf8.prefix(count)), .untilClose), asText: false)
            #expect(cut.text == nil, "\(cut)")
        }
    }

    /// libcurl gives what could be unpacked as if it were all.
    @Test func whatIsPackedAndCutIsNotTaken() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.appending("talk.txt")
            let text = (0..<200).map { "Sentence number \($0 * 7919 % 1000)." }.joined(separator: " ")
            try TestAudioFile.write(Array(text.utf8), to: path)
            try await TestAudioFile.run("gzip", ["-n", path.string])
            let packed = try TestAudioFile.read(folder.appending("talk.txt.gz"))
            let headers = [(name: "Content-Encoding", value: "gzip")]
            for carriage in Carriage.allCases {
                let cut = try await Self.heard(
                    Self.response(packed.dropLast(packed.count / 3), carriage, headers: headers), asText: true)
                #expect(cut.text == nil, "\(carriage)")
                #expect(cut.error?.remedy == .retry(after: nil))
            }
        }
    }

    @Test func textIsNotAskedForPacked() async throws {
        let server = try FakeTranscriptionServer { request in
            request.field("response_format") == "text"
                ? .init(text: "One two three.")
                : .init(400, text: Self.onlyText)
        }
        defer { server.stop() }
        _ = try await engine(server).transcribe(marked(0..<4), options: TranscriptionOptions())
        #expect(server.requests.last?.headers["accept-encoding"] == "identity")
        #expect(server.requests.first?.headers["accept-encoding"]?.contains("gzip") == true)
    }

    @Test func aPartOfAnAnswerIsNone() async throws {
        let part = try await Self.heard(.init(206, text: #"{"text":"One two three."}"#), asText: false)
        #expect(part.text == nil)
        #expect(part.error?.message.contains("a part of one only (status 206)") == true, "\(part)")
    }
}

@Suite struct CutEventStreamTests: AnswerParsing {
    private static func fault(_ body: String) -> String? {
        do {
            _ = try CutEventStreamTests().parse(body, plainText: true)
            return nil
        } catch ResponseFault.notUnderstood(let reason) {
            return reason
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Only this\"}\n\n",
        "data: {\"type\":\"transcript.text.segment\",\"start\":0,\"end\":1,\"text\":\"Only this\"}\n\n",
    ]) func aStreamOfPiecesNeedsItsLastEvent(body: String) throws {
        #expect(Self.fault(body) == "breaks off before the event that ends it")
        #expect(Self.fault(body + "data: [DONE]\n\n") == nil)
        #expect(Self.fault(body + "data: {\"type\":\"transcript.text.done\",\"text\":\"Only this\"}\n\n") == nil)
    }

    @Test func anEventThatCannotBeReadIsNotPassedOver() throws {
        let first = "data: {\"text\":\"Only this\"}\n\n"
        #expect(Self.fault(first) == nil)
        #expect(Self.fault(first + "data: {\"text\":\"and th")?.contains("breaks off") == true)
        #expect(Self.fault(first + "data: {\"text\":\n\ndata: {\"text\":\"more\"}\n\ndata: [DONE]\n\n") != nil)
        // The whole text at the end makes good for it.
        let whole = try parse(
            "data: {\"type\":\"transcript.text.segment\",\"start\":0,\"end\":1,\"text\":\"One\"}\n\ndata: {\"type\":\n\n"
                + "data: {\"type\":\"transcript.text.done\",\"text\":\"One two three.\"}\n\n")
        #expect(text(whole) == "One two three.")
    }
}
