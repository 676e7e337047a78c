import SystemPackage
import TestSupport
import Testing

/// The size of a file decides how it is cut, unless its sound was cut before.
@Suite(.serialized)
struct SameSoundTests {
    /// Chunks of a megabyte of the file, for an engine that does not narrow that.
    private static func place(_ folder: FilePath, _ server: FakeTranscriptionServer) throws -> Workplace {
        try Workplace(
            folder,
            """
            [processing]
            max_concurrent_chunks = 2
            chunk_size_min_mb = 1
            chunk_size_max_mb = 1
            [engines.fake]
            kind = "openai"
            base_url = "\(server.url)/v1"
            """)
    }

    @Test func inAnotherContainerItIsAnsweredFromTheCache() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Self.place(folder, server)
            try place.writeMarks(0..<80, to: "talk.wav")
            try await TestAudioFile.run("flac", ["-s", "-o", place["same.flac"].string, place["talk.wav"].string])
            let first = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(first.status == 0, "\(first.errors)")
            let before = server.requests.count
            let second = try await place.run("transcribe", "--engine", "fake", "same.flac")
            #expect(second.status == 0, "\(second.errors)")
            #expect(server.requests.count == before)
            let (talk, same) = (try place.transcript("talk.json"), try place.transcript("same.json"))
            #expect(talk.chunks.count == 3 && same.chunks.map(\.hash) == talk.chunks.map(\.hash))
            #expect(same.cache_hits == 3 && same.marks == Array(0..<80))
            #expect(try place.text("same.srt") == place.text("talk.srt"))
            // What was cut by the rule for its size is not the same.
            let alone = try await place.run("transcribe", "--engine", "fake", "--no-cache", "-o", "alone", "same.flac")
            #expect(alone.status == 0, "\(alone.errors)")
            #expect(try place.transcript("alone/same.json").chunks.count < 3)
        }
    }

    /// A jingle, or the same recording with another end.
    @Test func whatOnlyBeginsAlikeIsHeardAsItIs() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Self.place(folder, server)
            let talks = [Array(0..<80), Array(0..<40) + Array(100..<140), Array(0..<55), Array(0..<140)]
            for (number, marks) in talks.enumerated() {
                let samples = marks.flatMap { MarkedAudio.samples(seconds: $0..<($0 + 1)) }
                try TestAudioFile.write(TestWave(samples).bytes, to: place["\(number).wav"])
                let ended = try await place.run("transcribe", "--engine", "fake", "\(number).wav")
                #expect(ended.status == 0, "\(ended.errors)")
                #expect(try place.transcript("\(number).json").marks == marks)
                let flac = place["\(number)-again.flac"].string
                try await TestAudioFile.run("flac", ["-s", "-o", flac, place["\(number).wav"].string])
            }
            let before = server.requests.count
            for (number, marks) in talks.enumerated() {
                let ended = try await place.run("transcribe", "--engine", "fake", "\(number)-again.flac")
                #expect(ended.status == 0, "\(ended.errors)")
                #expect(try place.transcript("\(number)-again.json").marks == marks)
                #expect(server.requests.count == before, "\(number)")
            }
        }
    }
}
