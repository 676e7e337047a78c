import Transcription

/// Tells an answer that only repeats the prompt: models of the Whisper family do that to audio they make nothing of.
enum PromptEcho {
    /// Fewer letters are found in any prompt by chance.
    private static let minimumLetters = 4

    static func isEcho(_ transcript: ChunkTranscript, of prompt: String) -> Bool {
        let said = bare(transcript)
        return said.count >= minimumLetters && bare(prompt).firstRange(of: said) != nil
    }

    /// - Parameters:
    ///   - echo: the answer with the prompt.
    ///   - second: that without. Where it says the same, the words were spoken, and the prompt spelled them.
    static func better(of echo: ChunkTranscript, _ second: ChunkTranscript) -> ChunkTranscript {
        bare(echo) == bare(second) ? echo : second
    }

    private static func bare(_ transcript: ChunkTranscript) -> [Character] {
        bare(transcript.segments.map(\.text).joined(separator: " "))
    }

    private static func bare(_ text: String) -> [Character] {
        text.lowercased().filter { $0.isLetter || $0.isNumber }
    }
}
