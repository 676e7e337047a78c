import Glibc
import SystemSupport
import Transcription

extension OpenAITranscriber {
    /// Learns nothing from it yet: another address may say otherwise. Reads it on a thread of the engine's own, however
    /// long it is.
    func understood(
        _ response: HTTPResponse, chunk: Chunk, form: ServerKnowledge.Form, described: ResponseClassifier.Request
    ) async -> Answer {
        await pool.run { read(response, chunk: chunk, form: form, described: described) }
    }

    /// RFC 9110, 15.3.7.
    private static let partialContent = 206

    private func read(
        _ response: HTTPResponse, chunk: Chunk, form: ServerKnowledge.Form, described: ResponseClassifier.Request
    ) -> Answer {
        guard (200..<300).contains(response.status) else {
            let verdict = classifier.classify(response, to: described, now: Double(time(nil)))
            return .refused(Refusal(verdict, status: response.status))
        }
        let parser = TranscriptionResponseParser(
            sampleCount: chunk.audio.sampleCount, speech: chunk.speech, audio: chunk.audio,
            acceptsPlainText: form.format == .text, doubtOfEnd: response.doubtOfEnd)
        do {
            guard response.status != Self.partialContent else {
                throw ResponseFault.notUnderstood("is a part of one only (status \(response.status))")
            }
            let transcript = try parser.parse(response.body)
            if transcript.segments.isEmpty, form.format < .json, Self.lacksSegments(response.body) {
                knowledge.noteLackOfSegments()
            }
            return .heard(classifier.redaction.transcript(transcript))
        } catch let fault as ResponseFault {
            return .refused(Refusal(classifier.classify(fault, to: described), status: response.status))
        } catch {
            let verdict = classifier.classify(.notUnderstood("is not understood"), to: described)
            return .refused(Refusal(verdict, status: response.status))
        }
    }

    /// An answer without text that would have had no times either.
    private static func lacksSegments(_ body: [UInt8]) -> Bool {
        guard let value = try? JSONReader.read(body) else { return false }
        return value["text"] != nil && !RawTranscript.hasListOfSegments(value) && value["words"] == nil
    }

    /// What the last word about a request means for this chunk and the next ones.
    func considered(
        _ refusal: Refusal, of chunk: Chunk, _ turn: RequestContext
    ) async throws -> ResponseClassifier.Verdict {
        var verdict = refusal.verdict
        if case .split(let limit) = verdict.error.remedy {
            if chunk.audio.sampleCount <= Self.minimumSplit {
                verdict.error = verdict.error.with(remedy: .giveUpChunk)
            } else {
                // Where the server names no limit: what is not tried again need not be uploaded again.
                knowledge.refuse(longerThan: limit ?? chunk.audio.sampleCount / 2)
            }
        }
        // One 500 may be chance: the request is only stripped when they come in a row, or again to the same chunk.
        if refusal.status == 500, verdict.transform == .withoutOptionalFields {
            let comeInARow = knowledge.countServerError()
            if !knowledge.isRepeated(.serverError, by: chunk.hash), !comeInARow { verdict.transform = nil }
        }
        if refusal.isSlowness, try await isTooLong(chunk, turn) {
            verdict.error = verdict.error.with(remedy: .split(maximumSamples: nil))
        }
        // Groq answers 422 also when its model stumbles over a chunk: the second one is meant.
        if refusal.status == 422, profile.name == .groq, verdict.transform == nil,
            verdict.error.remedy == .giveUpChunk, !knowledge.isRepeated(.unprocessable, by: chunk.hash)
        {
            verdict.error = verdict.error.with(remedy: .retry(after: nil))
        }
        // A key that has been good is refused: perhaps only for this recording, by a filter before the server.
        if refusal.status == 403, verdict.error.engineFault == .refused, knowledge.hasSucceeded,
            try await isTaken(insteadOf: chunk, turn)
        {
            verdict.error = TranscriptionError(.requestFailed, verdict.error.message, remedy: .giveUpChunk)
        }
        return verdict
    }

    /// Whether the server takes something short with the same key.
    private func isTaken(insteadOf chunk: Chunk, _ turn: RequestContext) async throws -> Bool {
        let sample = Chunk.sample
        guard chunk.hash != sample.hash else { return false }
        try await turn.again()
        do {
            _ = try await transcribe(sample, options: optionsForSample, turn: turn)
            return true
        } catch let error as TranscriptionError {
            return error.engineFault == nil && error.remedy == .giveUpChunk
        }
    }

    /// After a time-out: it was not the first one of this chunk, and something short is answered.
    private func isTooLong(_ chunk: Chunk, _ turn: RequestContext) async throws -> Bool {
        guard knowledge.isRepeated(.timeout, by: chunk.hash), chunk.audio.sampleCount > Self.minimumSplit else {
            return false
        }
        return try await absence(turn: turn) == nil
    }
}
