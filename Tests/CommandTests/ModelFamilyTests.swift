import Engines
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Models of all families, of random weights: the way is the real one, from the folder to the transcript, and what they say
/// is nonsense. Moonshine's second version has tests with the real model.
@Suite(.serialized, .timeLimit(.minutes(20))) struct ModelFamilyTests {
    private static let sentence = "The committee will meet on Monday morning to discuss the budget for the next year."

    private static func place(_ folder: FilePath) async throws -> Workplace {
        let place = try Workplace(
            folder,
            """
            [engines.offline]
            models_directory = "\(folder.string)/models"
            """)
        try await RandomModels.make(in: folder.appending("made"))
        try await TestAudioFile.run("flite", ["-voice", "slt", "-t", sentence, "-o", place["talk.wav"].string])
        return place
    }

    /// Family, folder, name when it is added, whether it tells times, and the languages that it tells.
    private static let families: [(family: ModelFamily, name: String, tellsTimes: Bool, languages: String)] = [
        (.moonshineV1, "moonshine-random-en-int8", false, "en"),
        (.whisper, "whisper-random", false, "de, en, fr"),
        (.nemoTransducer, "nemo-parakeet-tdt-random-int8", true, "languages unknown"),
        (.nemoTransducer, "nemo-transducer-random-int8", true, "languages unknown"),
        (.transducer, "zipformer-random", true, "languages unknown"),
        (.nemoCTC, "nemo-ctc-random", true, "languages unknown"),
        (.zipformerCTC, "zipformer-ctc-random", true, "languages unknown"),
        (.senseVoice, "sense-voice-random", true, "en, ja, ko, yue, zh"),
        (.canary, "nemo-canary-random", false, "de, en, es, fr"),
    ]

    @Test(arguments: families.indices) func aModelOfTheFamilyTranscribes(_ number: Int) async throws {
        let (family, name, tellsTimes, languages) = Self.families[number]
        try await withTemporaryDirectory { folder in
            let place = try await Self.place(folder)
            let added = try await place.run("models", "add", place["made/sherpa-onnx-\(name)"].string)
            #expect(added.status == 0 && added.lines == [place["models/\(name)"].string], "\(added.errors)")
            let check = try await place.run("models", "check", name)
            #expect(check.status == 0, "\(check.lines)")
            #expect(check.lines.first?.contains("(\(family.title), \(languages))") == true, "\(check.lines)")
            // Its hashes are known; Canary has to be told the language.
            let notes = check.lines.filter { $0.hasPrefix("note") }
            #expect(notes.count == (family == .canary ? 1 : 0), "\(notes)")
            #expect(notes.allSatisfy { $0.contains("Set the language of each inbox") }, "\(notes)")

            let said = try await place.run(
                "transcribe", "--no-cache", "--formats", "txt,json", place["talk.wav"].string,
                environment: ["PARLOGRAPH_ENGINES_OFFLINE_MODEL": name])
            #expect(said.status == 0, "\(said.errors)")
            #expect(try !place.text("talk.txt").filter(\.isLetter).isEmpty)
            let transcript = try place.transcript("talk.json")
            #expect((transcript.timing == nil) == tellsTimes, "\(transcript.timing ?? "")")
            let words = transcript.words ?? []
            let starts = words.map(\.start)
            #expect(starts == starts.sorted() && !starts.isEmpty)
            #expect(words.allSatisfy { $0.start >= 0 && $0.end <= transcript.duration + 0.001 })
        }
    }

    /// sherpa-onnx ends the process when Whisper is told a language that it does not know.
    @Test func aLanguageThatTheModelDoesNotKnowIsRefused() async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Self.place(folder)
            #expect(try await place.run("models", "add", place["made/sherpa-onnx-whisper-random"].string).status == 0)
            let engine = ["PARLOGRAPH_ENGINES_OFFLINE_MODEL": "whisper-random"]
            let refused = try await place.run(
                "transcribe", "--no-cache", "--language", "ja", place["talk.wav"].string, environment: engine)
            #expect(refused.status == 69, "\(refused.errors)")
            #expect(refused.errors.contains("knows de, en, fr only, not “ja”"), "\(refused.errors)")
            let taken = try await place.run(
                "transcribe", "--no-cache", "--language", "fr", place["talk.wav"].string, environment: engine)
            #expect(taken.status == 0, "\(taken.errors)")
            #expect(try place.transcript("talk.json").language == "fr")
        }
    }

    /// Networks of more than 2 GB have their weights in a file beside them.
    @Test func weightsInAFileOfTheirOwnComeWithTheModel() async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Self.place(folder)
            let source = "made/sherpa-onnx-nemo-ctc-random"
            try place.write("weights\n", to: "\(source)/model.weights")
            try place.write("others\n", to: "\(source)/other.weights")
            let added = try await place.run("models", "add", place[source].string)
            #expect(added.status == 0, "\(added.errors)")
            #expect(
                try place.files("models/nemo-ctc-random")
                    == ["model.onnx", "model.toml", "model.weights", "tokens.txt"])
            try place.write("changed\n", to: "models/nemo-ctc-random/model.weights")
            let damaged = try await place.run("models", "check", "nemo-ctc-random")
            #expect(damaged.status == 69 && damaged.lines.first?.contains("model.weights") == true, "\(damaged.lines)")
        }
    }
}
