import SystemPackage
import TestSupport
import Testing

/// A server that leaves speech out, or writes remarks about sounds, from the recording to what people read.
@Suite(.serialized)
struct CoverageCommandTests {
    /// Hears the marks that `isHeard` lets through, by their number and how many there are in the request.
    private func server(
        remark: String? = nil, isHeard: @escaping @Sendable (_ mark: Int, _ count: Int) -> Bool
    ) throws -> FakeTranscriptionServer {
        try FakeTranscriptionServer { request in
            guard let samples = MarkedAudio.decode(file: request.audio) else { return .init(400, text: "no audio") }
            let marks = MarkedAudio.hear(samples)
            func seconds(_ samples: Int) -> Double { Double(samples) / Double(MarkedAudio.rate) }
            var segments = marks.filter { isHeard($0.number, marks.count) }.map { mark in
                #"{"start":\#(seconds(mark.start)),"end":\#(seconds(mark.end)),"text":" \#(mark.text)"}"#
            }
            if let remark, let last = marks.last {
                segments.append(
                    #"{"start":\#(seconds(last.end)),"end":\#(seconds(samples.count)),"text":" \#(remark)"}"#)
            }
            return .init(
                headers: [(name: "Content-Type", value: "application/json")],
                text: #"{"language":"english","text":"","segments":[\#(segments.joined(separator: ","))]}"#)
        }
    }

    private func marks(_ range: Range<Int>) -> String { range.map { "m\($0)" }.joined(separator: " ") }

    @Test func whatAServerDropsOnceIsRecovered() async throws {
        let server = try server { mark, count in count < 9 || !(13..<20).contains(mark) }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<40, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0)
            let transcript = try place.transcript("talk.json")
            #expect(transcript.text == marks(0..<40))
            #expect(transcript.gaps.isEmpty)
            #expect(server.requests.count == transcript.chunks.count + 2)
            #expect(try place.text("talk.json").contains(#""coverage": 1.0"#))
        }
    }

    @Test func whatStaysWithoutTextIsMarkedAndTold() async throws {
        let server = try server { mark, _ in !(13..<20).contains(mark) }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.writeMarks(0..<40, to: "inbox/talk.wav")
            #expect(try await place.run("serve", "--once").status == 0)
            let transcript = try place.transcript("outbox/talk.json")
            #expect(transcript.gaps.map(\.cause) == ["uncovered"])
            #expect(abs((transcript.gaps.first?.start ?? 0) - 13) < 0.5)
            #expect(abs((transcript.gaps.first?.end ?? 0) - 20) < 0.5)
            #expect(try place.text("outbox/talk.txt").contains("[untranscribed 00:00:13–00:00:20]"))
            #expect(try place.text("outbox/status.html").contains("of the speech there is no text"))
            #expect(try await place.run("jobs").lines.contains { $0.contains("of the speech there is no text") })
            #expect(place.exists("done/talk.wav"))
        }
    }

    /// Sound that goes up and down like speech, then somebody who speaks: the detector knows them apart.
    @Test func anIntroIsNoGapForTheOfflineEngine() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder)
            let spoken = place["spoken.wav"]
            try await TestAudioFile.run(
                "flite", ["-voice", "slt", "-t", "The committee will meet on Monday morning.", "-o", spoken.string])
            let speech = Array(try TestAudioFile.read(spoken).dropFirst(TestWave([]).bytes.count))
            let samples = (0..<speech.count / 2).map {
                Int16(truncatingIfNeeded: Int(speech[2 * $0]) | Int(speech[2 * $0 + 1]) << 8)
            }
            try TestAudioFile.write(TestWave(TestAudio.speech(seconds: 9) + samples).bytes, to: place["talk.wav"])
            let ended = try await place.run("transcribe", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.text("talk.txt").contains("committee"))
            #expect(try place.transcript("talk.json").gaps.isEmpty)
            #expect(try place.text("talk.json").contains(#""coverage": 1.0"#))
        }
    }

    @Test(arguments: [("", false), ("sounds = \"drop\"", false), ("sounds = \"keep\"", true)])
    func remarksStandInTheTextWhereTheyAreKept(setting: String, isKept: Bool) async throws {
        let server = try server(remark: "[MUSIC]") { _, _ in true }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: setting)
            try place.makeFolder("inbox/kept")
            try place.write("sounds = \"keep\"\n", to: "inbox/kept/parlograph.toml")
            for name in ["talk.wav", "kept/talk.wav"] { try place.writeMarks(0..<8, to: "inbox/\(name)") }
            #expect(try await place.run("serve", "--once").status == 0)
            for (name, keeps) in [("talk", isKept), ("kept/talk", true)] {
                for format in ["txt", "srt"] {
                    #expect(
                        try place.text("outbox/\(name).\(format)").contains("[MUSIC]") == keeps, "\(name).\(format)")
                }
                let json = try place.text("outbox/\(name).json")
                #expect(json.contains("[MUSIC]") && json.contains("\"reason\": \"sound\"") == !keeps)
            }
        }
    }
}
