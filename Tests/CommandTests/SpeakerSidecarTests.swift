import FoundationEssentials
import SystemPackage
import TestSupport
import Testing

/// Answers of servers that tell speakers apart, and what people get of them.
@Suite struct SpeakerSidecarTests {
    /// Two seconds of sound in each ten, so that nothing is heard that the answers have no text for.
    private func writeBriefSound(_ seconds: Int, to path: String, in place: Workplace) throws {
        let silent = Set((0..<seconds).filter { $0 % 10 >= 2 })
        let samples = MarkedAudio.samples(seconds: 0..<seconds, silent: silent)
        try TestAudioFile.write(TestWave(samples).bytes, to: place[path])
    }

    private struct Answer: Sendable {
        var body: String
        var txt: String
        var srt: [String]
        var vtt: [String]
        var tsv: String
        var speakers: [String]
    }

    private static let answers = [
        // OpenAI's diarized_json.
        Answer(
            body: #"{"task":"transcribe","duration":10.0,"text":"Hello Anna. Hi Bert.","segments":["#
                + #"{"type":"transcript.text.segment","id":"seg_0","start":0.5,"end":2.0,"text":"Hello Anna.","speaker":"A"},"#
                + #"{"type":"transcript.text.segment","id":"seg_1","start":2.2,"end":4.0,"text":"Hi Bert.","speaker":"B"}]}"#,
            txt: "A: Hello Anna.\n\nB: Hi Bert.\n",
            srt: ["00:00:00,500 --> 00:00:02,117\nA: Hello Anna.\n", "00:00:02,200 --> 00:00:04,000\nB: Hi Bert.\n"],
            vtt: ["\n<v A>Hello Anna.\n", "\n<v B>Hi Bert.\n"],
            tsv: "start\tend\ttext\tspeaker\n500\t2000\tHello Anna.\tA\n2200\t4000\tHi Bert.\tB\n",
            speakers: ["A", "B"]),
        // whisperX.
        Answer(
            body:
                #"{"text":"Hello Anna. Hi Bert.","language":"en","segments":[{"start":0.5,"end":2.0,"text":"Hello Anna.","#
                + #""speaker":"SPEAKER_00","words":[{"word":"Hello","start":0.5,"end":1.0,"score":0.9,"speaker":"SPEAKER_00"},"#
                + #"{"word":"Anna.","start":1.0,"end":2.0,"score":0.9,"speaker":"SPEAKER_00"}]},"#
                + #"{"start":2.2,"end":4.0,"text":"Hi Bert.","speaker":"SPEAKER_01"}]}"#,
            txt: "SPEAKER_00: Hello Anna.\n\nSPEAKER_01: Hi Bert.\n",
            srt: ["\nSPEAKER_00: Hello Anna.\n", "\nSPEAKER_01: Hi Bert.\n"],
            vtt: ["\n<v SPEAKER_00>Hello Anna.\n", "\n<v SPEAKER_01>Hi Bert.\n"],
            tsv: "start\tend\ttext\tspeaker\n500\t2000\tHello Anna.\tSPEAKER_00\n2200\t4000\tHi Bert.\tSPEAKER_01\n",
            speakers: ["SPEAKER_00", "SPEAKER_01"]),
        // FunASR, in milliseconds.
        Answer(
            body:
                #"{"text":"one two. three four.","sentence_info":[{"text":"one two.","start":1080,"end":2500,"spk":0},"#
                + #"{"text":"three four.","start":7100,"end":9000,"spk":1}]}"#,
            txt: "Speaker 1: one two.\n\nSpeaker 2: three four.\n",
            srt: [
                "00:00:01,080 --> ", "\nSpeaker 1: one two.\n",
                "00:00:07,100 --> 00:00:09,000\nSpeaker 2: three four.\n",
            ],
            vtt: ["\n<v Speaker 1>one two.\n", "\n<v Speaker 2>three four.\n"],
            tsv: "start\tend\ttext\tspeaker\n1080\t2500\tone two.\tSpeaker 1\n7100\t9000\tthree four.\tSpeaker 2\n",
            speakers: ["Speaker 1", "Speaker 2"]),
        // whisper.cpp's own names of times, and nobody's voice.
        Answer(
            body: #"{"text":"one two three four","language":"en","segments":[{"t0":50,"t1":250,"text":"one two"},"#
                + #"{"t0":300,"t1":600,"text":"three"},{"t0":650,"t1":980,"text":"four"}]}"#,
            txt: "one two three four\n", srt: ["00:00:00,500 --> "], vtt: ["00:00:00.500 --> "],
            tsv: "start\tend\ttext\n500\t2500\tone two\n3000\t6000\tthree\n6500\t9800\tfour\n", speakers: []),
    ]

    private struct Told: Decodable {
        struct Part: Decodable { let speaker: String? }
        let speakers: [String]?
        let segments: [Part]
        let warnings: [String]
        let timing: String?
    }

    private func told(_ path: FilePath) throws -> Told {
        try JSONDecoder().decode(Told.self, from: Data(try TestAudioFile.read(path)))
    }

    @Test(arguments: answers.indices) func everySidecarSaysWhoSpeaks(_ at: Int) async throws {
        let answer = Self.answers[at]
        let server = try FakeTranscriptionServer { _ in .init(text: answer.body) }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            // To be heard all the time, and not like speech: nothing is placed elsewhere and nothing is doubted.
            try TestAudioFile.write(TestWave(TestAudio.tone(seconds: 10)).bytes, to: place["talk.wav"])
            // The second time all comes from the cache.
            for round in 1...2 {
                let ended = try await place.run(
                    "transcribe", "--engine", "fake", "--formats", "txt,srt,vtt,tsv,json", "talk.wav")
                #expect(ended.status == 0, "\(ended.errors)")
                #expect(server.requests.count == 1)
                #expect(try place.text("talk.txt") == answer.txt, "round \(round)")
                let (srt, vtt) = (try place.text("talk.srt"), try place.text("talk.vtt"))
                for piece in answer.srt { #expect(srt.contains(piece), "\(srt)") }
                for piece in answer.vtt { #expect(vtt.contains(piece), "\(vtt)") }
                #expect(try place.text("talk.tsv") == answer.tsv)
                let told = try told(place["talk.json"])
                #expect(told.speakers ?? [] == answer.speakers)
                #expect(told.segments.compactMap(\.speaker) == answer.speakers)
                #expect(told.timing == nil && told.warnings.isEmpty)
            }
        }
    }

    @Test func labelsOfTwoChunksAreToldApartAndThatIsSaid() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.answers[0].body) }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, concurrency: 1)
            try writeBriefSound(20, to: "talk.wav", in: place)
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0 && ended.errors.contains("several labels"), "\(ended.errors)")
            #expect(
                try place.text("talk.txt")
                    == "A: Hello Anna.\n\nB: Hi Bert.\n\nA (2): Hello Anna.\n\nB (2): Hi Bert.\n")
            #expect(try told(place["talk.json"]).speakers == ["A", "B", "A (2)", "B (2)"])
        }
    }

    @Test func onceAChunkWasCutAgainItsPartsSpeakersAreToldApart() async throws {
        let server = try FakeTranscriptionServer { request in
            guard let samples = MarkedAudio.decode(file: request.audio), samples.count <= 6 * MarkedAudio.rate else {
                return .init(413, text: "too large")
            }
            return .init(text: Self.answers[2].body)
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try writeBriefSound(10, to: "talk.wav", in: place)
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            let speakers = try told(place["talk.json"]).speakers ?? []
            #expect(speakers == (1...speakers.count).map { "Speaker \($0)" } && speakers.count >= 4)
        }
    }

    @Test func theOptionAndTheInboxDecideWhereLabelsStand() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.answers[0].body) }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server, inbox: "speaker_labels = \"never\"\nformats = [\"txt\", \"vtt\", \"json\"]")
            try writeBriefSound(10, to: "talk.wav", in: place)
            let ended = try await place.run(
                "transcribe", "--engine", "fake", "--speaker-labels", "never", "--formats", "txt,srt", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.text("talk.txt") == "Hello Anna.\n\nHi Bert.\n")
            #expect(try !place.text("talk.srt").contains("A:"))
            let wrong = try await place.run("transcribe", "--speaker-labels", "some", "talk.wav")
            #expect(wrong.status == 64 && wrong.errors.contains("always"), "\(wrong.errors)")

            try writeBriefSound(10, to: "inbox/memo.wav", in: place)
            let served = try await place.run("serve", "--once")
            #expect(served.status == 0, "\(served.errors)")
            #expect(try place.text("outbox/memo.txt") == "Hello Anna.\n\nHi Bert.\n")
            #expect(try !place.text("outbox/memo.vtt").contains("<v"))
            #expect(try told(place["outbox/memo.json"]).speakers == ["A", "B"])
        }
    }

    @Test func openAIsModelForItIsAskedForSpeakers() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.answers[0].body) }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server,
                engine: "profile = \"openai\"\nmodel = \"gpt-4o-transcribe-diarize\"\nprompt = \"Anna\"")
            try writeBriefSound(10, to: "talk.wav", in: place)
            let ended = try await place.run("transcribe", "--engine", "fake", "--language", "en-US", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            let request = try #require(server.requests.first)
            #expect(request.partNames == ["model", "response_format", "chunking_strategy", "language", "file"])
            #expect(request.field("response_format") == "diarized_json" && request.field("chunking_strategy") == "auto")
            #expect(request.field("language") == "en")
        }
    }
}
