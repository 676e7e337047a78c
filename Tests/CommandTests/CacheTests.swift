import SystemPackage
import TestSupport
import Testing

/// What the cache saves from one run of the program to the next.
@Suite(.serialized)
struct CacheTests {
    @Test func theSameAudioIsPaidForOnceWhateverTheFileAroundIt() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<30, to: "talk.wav")
            try await TestAudioFile.run("flac", ["-s", "-o", place["same.flac"].string, place["talk.wav"].string])
            func transcribe(_ file: String, _ more: String...) async throws -> TranscriptFile {
                let all = ["transcribe", "--engine", "fake", "--formats", "json"] + more + [file]
                let ended = try await place.run(all.map { Array($0.utf8) })
                #expect(ended.status == 0, "\(ended.errors)")
                return try place.transcript(String(file.split(separator: ".")[0]) + ".json")
            }

            let first = try await transcribe("talk.wav")
            #expect(first.marks == Array(0..<30))
            #expect(first.cache_hits == 0)
            #expect(first.chunks_processed >= 3)
            let paid = server.requests.count

            let other = try await transcribe("same.flac")
            #expect(other.marks == first.marks)
            #expect(other.chunks.map(\.hash) == first.chunks.map(\.hash))
            #expect(other.cache_hits == other.chunks_processed)

            let again = try await transcribe("talk.wav")
            #expect(again.cache_hits == again.chunks_processed)
            #expect(again.text == first.text)
            #expect(server.requests.count == paid)

            let fresh = try await transcribe("talk.wav", "--no-cache")
            #expect(fresh.cache_hits == 0)
            #expect(server.requests.count == 2 * paid)
        }
    }

    /// What is kept in the cache.
    private static func entries(_ place: Workplace) async throws -> Int? {
        let ended = try await place.run("cache", "stats")
        #expect(ended.status == 0, "\(ended.errors)")
        let line = ended.lines.first { $0.hasPrefix("entries") }
        return line.flatMap { Int($0.dropFirst("entries".count).filter { $0 != " " }) }
    }

    /// Its kind counts from the first recording on, in what a request may hold too: setting it makes no other recording.
    @Test func aServerThatIsKnownByItsAnswersIsAsOneWhoseKindIsSet() async throws {
        let list = #"{"object":"list","data":[{"id":"base","task":"automatic-speech-recognition"}]}"#
        let server = try FakeTranscriptionServer(models: { _ in .init(text: list) }) {
            FakeTranscriptionServer.heard(in: $0)
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            var kept: [Int?] = []
            for setting in ["", #"profile = "speaches""#] {
                let place = try Workplace(folder, server: server, engine: setting)
                try place.writeMarks(0..<15, to: "talk.wav")
                let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
                #expect(ended.status == 0, "\(ended.errors)")
                kept.append(try await Self.entries(place))
            }
            #expect(kept[0] ?? 0 > 0 && kept[0] == kept[1], "\(kept)")
        }
    }

    @Test func statisticsPruningAndClearing() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<5, to: "talk.wav")
            _ = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(try await Self.entries(place) ?? 0 >= 1)

            // Nothing is old or surplus.
            #expect(try await place.run("cache", "prune").status == 0)
            #expect(try await Self.entries(place) ?? 0 >= 1)

            #expect(try await place.run("cache", "clear").status == 0)
            #expect(try await Self.entries(place) == 0)
            _ = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(server.requests.count == 2)
        }
    }
}
