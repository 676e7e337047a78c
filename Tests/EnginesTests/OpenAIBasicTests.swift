import Engines
import TestSupport
import Testing
import Transcription

@Suite struct OpenAIBasicTests {
    @Test func aChunkComesBackAsSegmentsWithExactTimes() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        let transcript = try await engine(server).transcribe(marked(17..<22), options: TranscriptionOptions())
        #expect(transcript.segments.map(\.text) == ["m17", "m18", "m19", "m20", "m21"])
        #expect(transcript.language == "en")
        for (index, segment) in transcript.segments.enumerated() {
            #expect(abs(segment.range.start - Int64(index) * 16_000) <= 64)
        }
    }
}
