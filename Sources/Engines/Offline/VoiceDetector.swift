package import SystemPackage
import SystemSupport
package import Transcription

/// The offline engine's voice detector (Silero) for whoever has a doubt: in a process of its own, without a model beside it,
/// started by the first question and ended when there has been none for a while.
package final class VoiceDetector: SpeechDetector {
    package let identity: String
    private let recognizer: Recognizer

    /// So many samples are asked about at once: a minute.
    private static let piece = 60 * Int(SampleClock.rate)
    /// Address space for the program, the libraries and one thread.
    private static let maximumMemory: UInt64 = 1 << 30

    /// Nil where the offline engine's libraries are not installed. Blocks.
    /// - Parameter executable: the program whose subcommand `RecognizerProcess.subcommand` is the recognizer.
    package init?(executable: FilePath = "/proc/self/exe") {
        guard let libraries = EngineFiles.libraries,
            let model = try? FileStatus(at: libraries.appending(EngineFiles.detector))
        else { return nil }
        identity = "voices=silero \(model.identity.byteCount)"
        recognizer = Recognizer(seats: RecognizerSeats(maximum: 1)) {
            Recognizer.Setup(
                executable: executable, model: nil, language: nil, threads: 1,
                library: libraries.appending(EngineFiles.library),
                detector: libraries.appending(EngineFiles.detector), maximumMemory: Self.maximumMemory)
        }
    }

    package func speech(in audio: ChunkAudio) async throws -> [SampleRange]? {
        var voices: [SampleRange] = []
        let count = Int(audio.sampleCount)
        for start in stride(from: 0, to: count, by: Self.piece) {
            let place = start..<min(count, start + Self.piece)
            do {
                let samples = try await BlockingPool.files.run { try audio.samples(in: place) }
                let answer = try await recognizer.ask(.voices, ChunkAudio(samples))
                guard let heard = PieceHearing(answer, sampleCount: Int64(place.count)) else { return nil }
                voices += heard.speech.map { $0.shifted(by: Int64(start)) }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // It is a second opinion: without it the first one has to do.
                return nil
            }
        }
        return voices
    }
}
