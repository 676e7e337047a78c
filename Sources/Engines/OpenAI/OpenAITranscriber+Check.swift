import Transcription

extension OpenAITranscriber {
    /// Sends one second of made-up sound to each address and says what came of it.
    /// - Throws: `TranscriptionError` when none answers.
    package func check() async throws -> String {
        let chunk = Chunk.sample
        // English where the server wants to be told a language: the second holds no speech anyway.
        let language = (settings.languageRule ?? profile.languageRule) == .mustSend ? "en" : nil
        let options = TranscriptionOptions(language: language)
        let clock = ContinuousClock()
        var slowest = Duration.zero
        var isEstimated = false
        var failures: [TranscriptionError] = []
        for address in endpoints.indices {
            let start = clock.now
            do {
                isEstimated = try await only(address).transcribe(chunk, options: options).timesAreEstimated
                slowest = max(slowest, start.duration(to: clock.now))
            } catch let error as TranscriptionError {
                failures.append(error)
            }
        }
        if let first = failures.first, failures.count == endpoints.count { throw first }
        return sentences(slowest: slowest, isEstimated: isEstimated, failures: failures)
    }

    private func sentences(slowest: Duration, isEstimated: Bool, failures: [TranscriptionError]) -> String {
        let seconds = (slowest.milliseconds + 50) / 100
        let form = knowledge.form
        let host = endpoints.count == 1 ? endpointHost : "\(endpoints.count) addresses"
        var out =
            "Engine \(settings.name) (\(host)) answers in \(seconds / 10).\(seconds % 10) s, "
            + "takes model \(settings.model.isEmpty ? "(its own)" : settings.model), \(form.codec.rawValue.uppercased()) "
            + "audio and \(form.format.rawValue)."
        if isEstimated || form.format == .json || form.format == .text {
            out += " It gives text without times: they will be estimates. Prefer a model that gives segments."
        }
        if settings.insecure { out += " Its certificate is not checked (insecure = true)." }
        if !failures.isEmpty {
            out += " But \(failures.count) of \(endpoints.count) addresses cannot be used: "
            out += failures.map(\.message).joined(separator: " ")
        }
        return out
    }
}
