import Engines
import TestSupport
import Testing
import Transcription

/// What all answers together may take of the memory.
@Suite(.timeLimit(.minutes(20))) struct ResponseBudgetTests {
    @Test func longAnswersFailWhileOthersAreThere() async throws {
        let sizes = [3, 3, 1, 3]
        let server = try FakeTranscriptionServer { request in
            .init(body: [UInt8](repeating: 0x20, count: sizes[request.number] << 20))
        }
        defer { server.stop() }
        let loop = CurlLoop(maximumTotalBytes: 4 << 20)
        let request = HTTPRequest(url: server.url, body: [[1]], timeout: .seconds(600))
        var first: HTTPResponse? = try await loop.perform(request)
        #expect(first?.body.count == 3 << 20)
        await #expect { try await loop.perform(request) } throws: { ($0 as? HTTPFailure)?.excess == .body }
        #expect(try await loop.perform(request).body.count == 1 << 20, "a transcript of usual size has its place")
        first = nil
        #expect(try await loop.perform(request).body.count == 3 << 20, "room again")
    }

    @Test func theChunkSaysWhy() async throws {
        let server = try FakeTranscriptionServer { _ in .init(body: [UInt8](repeating: 0x20, count: 6 << 20)) }
        defer { server.stop() }
        let cloud = try engine(server, loop: CurlLoop(maximumTotalBytes: 4 << 20))
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: .init()) }
        #expect(error?.remedy == .giveUpChunk)
        #expect(error?.message.contains("while others as long were under way") == true, "\(error?.message ?? "")")
    }
}
