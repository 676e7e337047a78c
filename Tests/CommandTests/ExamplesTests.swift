import Glibc
import SystemPackage
import TestSupport
import Testing

/// What lies in `etc/examples`, with stand-ins for the programs that it is for.
@Suite(.timeLimit(.minutes(10))) struct ExamplesTests {
    private static let examples: FilePath = {
        var folder = FilePath(#filePath)
        for _ in 0..<3 { folder.removeLastComponent() }
        return folder.appending("etc/examples")
    }()

    /// Takes the languages that faster-whisper takes, in its way, and says what it was told.
    private static let module = """
        from types import SimpleNamespace as Thing

        class WhisperModel:
            def __init__(self, model, device, compute_type):
                self.model = model

            def transcribe(self, file, language, **rest):
                if language not in (None, "de", "yue"):
                    raise ValueError(f"'{language}' is not a valid language code")
                word = Thing(word=f" {self.model}", start=0.5, end=1.0)
                segment = Thing(text=f" {self.model} {language}", start=0.5, end=1.5, avg_logprob=-0.1, no_speech_prob=0.0,
                    compression_ratio=1.0, words=[word])
                return iter([segment]), Thing(language=language or "en", duration=3.0)
        """

    @Test(arguments: [("auto", "None", "en"), ("de", "de", "de"), ("de-AT", "de", "de"), ("yue", "yue", "yue")])
    func fasterWhisperIsToldTheLanguage(_ asked: String, _ told: String, _ found: String) async throws {
        try await withTemporaryDirectory { folder in
            let script = Self.examples.appending("faster-whisper.py").string
            let place = try Workplace(
                folder,
                """
                [engines.whisper]
                kind = "command"
                command = ["python3", "\(script)", "--model", "small", "--language", "{language}", "{file}"]
                model = "faster-whisper-small"
                """)
            try place.makeFolder("modules")
            try place.write(Self.module, to: "modules/faster_whisper.py")
            try place.writeMarks(0..<3, to: "talk.wav")
            let ended = try await place.run(
                "transcribe", "--engine", "whisper", "--language", asked, place["talk.wav"].string,
                environment: ["PYTHONPATH": place["modules"].string])
            #expect(ended.status == 0, "\(ended.errors)")
            let transcript = try place.transcript("talk.json")
            #expect(transcript.text == "small \(told)")
            #expect(transcript.language == found)
            #expect(transcript.words?.map(\.word) == ["small"])
        }
    }

    /// The address that docs/engines.md has beside it leads where the server of the unit answers: whisper.cpp's own path.
    @Test func theServersUnitAndItsEngineFitTogether() async throws {
        let unit = String(
            decoding: try TestAudioFile.read(Self.examples.appending("whisper-server.service")), as: UTF8.self)
        #expect(unit.contains("--port 8178") && !unit.contains("--inference-path"))
        let server = try FakeTranscriptionServer { request in
            guard request.path == "/inference" else {
                return FakeTranscriptionServer.Response(404, text: "File Not Found")
            }
            return FakeTranscriptionServer.Response(
                text:
                    #"{"language": "english", "text": "Hello.", "segments": [{"text": " Hello.", "start": 0, "end": 2}]}"#
            )
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder,
                """
                [engines.whisper-cpp]
                kind = "openai"
                base_url = "\(server.url)"
                profile = "whisper.cpp"
                """)
            try place.writeMarks(0..<3, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "whisper-cpp", place["talk.wav"].string)
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.transcript("talk.json").text == "Hello.")
        }
    }
}
