import Glibc
import SystemSupport
import Transcription

extension OpenAITranscriber {
    /// Sends one second of made-up sound and says what came of it.
    package func check() async throws -> String {
        let chunk = Self.sampleChunk
        let clock = ContinuousClock()
        let start = clock.now
        // English where the server wants to be told a language: the second holds no speech anyway.
        let language = (settings.languageRule ?? profile.languageRule) == .mustSend ? "en" : nil
        _ = try await transcribe(chunk, options: TranscriptionOptions(language: language))
        let seconds = (start.duration(to: clock.now).milliseconds + 50) / 100
        let form = knowledge.form
        var sentence =
            "Engine \(settings.name) (\(endpointHost)) answers in \(seconds / 10).\(seconds % 10) s, "
            + "takes model \(settings.model.isEmpty ? "(its own)" : settings.model), \(form.codec.rawValue.uppercased()) "
            + "audio and \(form.format.rawValue)."
        if form.format != .verboseJSON {
            sentence += " It gives text without times: they will be estimates. Prefer a model that gives segments."
        }
        if settings.insecure { sentence += " Its certificate is not checked (insecure = true)." }
        return sentence
    }

    /// A second with a tone that rises and falls: long enough for every server, and not digital silence.
    private static var sampleChunk: Chunk {
        let samples = (0..<Int(SampleClock.rate)).map { at -> Int16 in
            let t = Double(at) / Double(SampleClock.rate)
            return Int16(3000 * sin(2 * .pi * t) * sin(2 * .pi * (220 + 60 * t) * t))
        }
        let range = SampleRange(0, SampleClock.rate)
        let hash = samples.withUnsafeBytes { SHA256.digest(of: $0) }
        return Chunk(index: 0, range: range, owned: range, hash: hash, speech: [], audio: ChunkAudio(samples))
    }
}
