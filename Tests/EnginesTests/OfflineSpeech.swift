import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Transcription

/// Spoken test sentences, made by flite.
enum OfflineSpeech {
    static let sentences = [
        "the committee will meet on monday morning to discuss the budget for the next financial year",
        "the weather report says that there will be heavy rain in the north tomorrow afternoon",
        "please send the letter to the office before the end of the week",
    ]
    /// Where many decodings are needed.
    static let short = ["please send the letter to the office", "the weather is cold today", "he came back on monday"]

    /// 16 kHz mono.
    /// - Throws: when flite is not installed.
    static func samples(of text: String) async throws -> [Int16] {
        try await withTemporaryDirectory { folder in
            let file = folder.appending("speech.wav")
            let status = await BlockingPool.files.run { system("flite -voice slt -t '\(text)' -o \(file.string)") }
            guard status == 0 else { throw SystemError("system", "flite", errno: .noSuchFileOrDirectory) }
            let descriptor = try OwnedDescriptor(opening: file, flags: O_RDONLY)
            let size = Int(try FileStatus(of: descriptor.descriptor).identity.byteCount)
            var samples = [Int16](repeating: 0, count: (size - 44) / 2)  // 44 bytes of header
            _ = try samples.withUnsafeMutableBytes {
                try descriptor.descriptor.read(fromAbsoluteOffset: 44, into: $0)
            }
            return samples
        }
    }

    /// Soft noise, the same at every run.
    static func noise(seconds: Double, amplitude: Int = 4) -> [Int16] {
        var state: UInt64 = 88172645463325252
        return (0..<Int(seconds * 16_000)).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int16(Int(state % UInt64(2 * amplitude + 1)) - amplitude)
        }
    }

    static func chunk(_ samples: [Int16]) -> Chunk {
        let range = SampleRange(0, Int64(samples.count))
        return Chunk(
            index: 0, range: range, owned: range, hash: samples.withUnsafeBytes { SHA256.digest(of: $0) },
            speech: [range], audio: ChunkAudio(samples))
    }
}

extension OfflineTranscriber {
    func transcript(of samples: [Int16], language: String? = nil) async throws -> ChunkTranscript {
        try await transcribe(OfflineSpeech.chunk(samples), options: TranscriptionOptions(language: language))
    }

    func text(of samples: [Int16]) async throws -> String {
        try await transcript(of: samples).segments.map(\.text).joined(separator: " ")
    }
}
