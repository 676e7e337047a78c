import SystemPackage
import TestSupport
import Testing

/// Recordings as telephone systems and video programs make them, through the built program.
@Suite struct RecordingKindsTests {
    @Test func soundWithoutAHeaderIsTakenFromAnInbox() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let wave = TestWave(MarkedAudio.samples(seconds: 0..<6)).bytes
            try TestAudioFile.write(Array(wave.dropFirst(44)), to: place["inbox/call.sln16"])
            try place.write("this is no sound", to: "inbox/notes.sln16")
            let ended = try await place.run("serve", "--once")
            #expect(ended.lines.first == "1 delivered, 0 partial, 1 failed", "\(ended.errors)")
            #expect(try place.transcript("outbox/call.json").marks == Array(0..<6))
            #expect(try place.transcript("outbox/call.json").warnings.contains { $0.contains("16,000 Hz") })
            #expect(try place.files("done") == ["call.sln16"])
            #expect(try place.text("outbox/notes.error.txt").contains("plain text"))
        }
    }

    @Test func theTrackInTheLanguageAskedForIsTranscribed() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<6, to: "one.wav")
            try place.writeMarks(20..<26, to: "two.wav")
            try await TestAudioFile.run(
                "ffmpeg",
                [
                    "-v", "error", "-i", place["one.wav"].string, "-i", place["two.wav"].string, "-map", "0", "-map",
                    "1",
                    "-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng", "-c:a", "pcm_s16le",
                    place["talk.mkv"].string,
                ])
            // The second time the whole recording is known in the other language.
            for (language, first) in [("de", 0), ("en", 20), ("de", 0)] {
                let ended = try await place.run(
                    "transcribe", "--engine", "fake", "--language", language, "-o", language, "talk.mkv")
                #expect(ended.status == 0, "\(ended.errors)")
                #expect(try place.transcript("\(language)/talk.json").marks == Array(first..<first + 6))
                let track = first == 0 ? #""taken": 1"# : #""taken": 2"#
                let text = try place.text("\(language)/talk.json")
                #expect(text.contains(track) && text.contains(#""of": 2"#), "\(text.prefix(1_000))")
            }
        }
    }
}
