import Transcription

extension OpenAITranscriber {
    /// Sends one second of made-up sound and says what came of it.
    package func check() async throws -> String {
        let chunk = Chunk.sample
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
}
