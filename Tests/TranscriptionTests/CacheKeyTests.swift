import SystemSupport
import Testing
import Transcription

@Suite struct CacheKeyTests {
    /// The key that version 0.1.0 gave to a recording: it may have remembered a beginning as the whole.
    @Test func whatMayBeCutIsNotFoundAgain() {
        let hash = Array("talk".utf8).withUnsafeBytes { SHA256.digest(of: $0) }
        let engine = EngineIdentity(name: "any", kind: "offline", model: "m", settings: ["a=1"])
        var old = SHA256()
        for field in ["parlograph 1", "recording", hash.description, "offline", "m", "", "", "a=1", "--", "plan"] {
            old.update("\(field.utf8.count):\(field)\n")
        }
        let before = old.finish()
        let key = CacheKey(recording: hash, engine: engine, options: TranscriptionOptions(), plan: ["plan"])
        #expect(key.digest != before)
    }

    /// What was paid for stays found: each chunk has all the sound that its key is made of.
    @Test func chunksAreFoundAgain() {
        let hash = Array("talk".utf8).withUnsafeBytes { SHA256.digest(of: $0) }
        let engine = EngineIdentity(name: "any", kind: "offline", model: "m", settings: ["a=1"])
        var old = SHA256()
        for field in ["parlograph 1", "chunk", hash.description, "offline", "m", "", "", "a=1", "--"] {
            old.update("\(field.utf8.count):\(field)\n")
        }
        let before = old.finish()
        #expect(CacheKey(chunk: hash, engine: engine, options: TranscriptionOptions()).digest == before)
    }
}
