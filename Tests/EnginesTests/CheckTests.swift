import Engines
import TestSupport
import Testing
import Transcription

/// What `check` tells of a server.
@Suite(.timeLimit(.minutes(20))) struct CheckTests {
    private static let ok = #"{"text":"ok","segments":[{"start":0,"end":1,"text":"ok"}]}"#

    /// A second of sound without speech: what has no place for times will give none for a recording either.
    @Test(arguments: [(#"{"text":""}"#, true), (#"{"text":"","segments":[]}"#, false), (#"{"text":"hi"}"#, true)])
    func aServerOfTextWithoutTimesIsFoundOut(_ body: String, _ isWithout: Bool) async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: body) }
        defer { server.stop() }
        let report = try await engine(server).check()
        #expect(report.works.contains("text without times") == isWithout)
    }

    @Test func nothingIsSaidThatWasNotShown() async throws {
        let server = try FakeTranscriptionServer(models: { _ in .init(text: #"{"data":[{"id":"whisper-1"}]}"#) }) { _ in
            .init(text: Self.ok)
        }
        let silent = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer {
            server.stop()
            silent.stop()
        }
        let works = try await engine(server).check().works
        #expect(works.contains("took a request with its key for model whisper-1"))
        #expect(works.contains("Its list of models names whisper-1."))
        let other = try await engine(silent) { $0.apiKey = nil }.check().works
        #expect(other.contains("without a key") && !other.contains("list of models"))
    }

    @Test(arguments: [(503, "5"), (429, "30")])
    func aShortPauseIsWaitedFor(_ status: Int, _ pause: String) async throws {
        let server = try FakeTranscriptionServer { request in
            request.number == 0
                ? .init(status, headers: [("Retry-After", pause)], text: #"{"error":{"code":"model_loading"}}"#)
                : .init(text: Self.ok)
        }
        defer { server.stop() }
        let pauses = Guarded<[Duration]>([])
        var cloud = try engine(server)
        cloud.sleep = { pause in pauses.change { $0.append(pause) } }
        let report = try await cloud.check()
        #expect(report.works.contains("took a request") && report.notes.isEmpty)
        #expect(pauses.value.map { "\($0.components.seconds)" } == [pause])
        #expect(server.requests.count == 2)
    }

    @Test(arguments: ["31", "600"]) func aLongPauseIsTold(_ pause: String) async throws {
        let server = try FakeTranscriptionServer { _ in .init(429, headers: [("Retry-After", pause)], text: "slow") }
        defer { server.stop() }
        var cloud = try engine(server)
        cloud.sleep = { _ in Issue.record("it waited") }
        let report = try await cloud.check()
        #expect(report.works.isEmpty)
        #expect(report.notes.count == 1)
        #expect(report.notes.first?.contains("reachable, but asks to come back in \(pause) s") == true)
        #expect(server.requests.count == 1)
    }

    /// Something like speech: four syllables, each louder in its middle than at its ends.
    @Test func theSoundIsNeitherSilenceNorATone() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        _ = try await engine(server).check()
        let samples = try #require(MarkedAudio.decode(file: server.requests.first?.audio ?? []))
        #expect(samples.count == MarkedAudio.rate)
        func loudness(_ part: Range<Int>) -> Int { part.reduce(0) { $0 + abs(Int(samples[$1])) } / part.count }
        for start in stride(from: 0, to: 16_000, by: 4000) {
            let middle = loudness(start + 1500..<start + 2500)
            #expect(middle > 300 && middle > 3 * loudness(start..<start + 300))
        }
    }
}
