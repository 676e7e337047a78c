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

    /// Whatever changes what an engine would say is another key.
    @Test func whatWouldBeHeardOtherwiseIsAskedForAgain() {
        func hash(_ text: String) -> Digest { Array(text.utf8).withUnsafeBytes { SHA256.digest(of: $0) } }
        func engine(_ model: String = "m", _ settings: [String] = ["a=1"], kind: String = "openai") -> EngineIdentity {
            EngineIdentity(name: "any", kind: kind, model: model, settings: settings)
        }
        let options = TranscriptionOptions(language: "en", prompt: "Parlograph")
        let keys = [
            CacheKey(chunk: hash("talk"), engine: engine(), options: options),
            CacheKey(chunk: hash("other"), engine: engine(), options: options),
            CacheKey(chunk: hash("talk"), engine: engine("n"), options: options),
            CacheKey(chunk: hash("talk"), engine: engine("m", ["a=2"]), options: options),
            CacheKey(chunk: hash("talk"), engine: engine(kind: "command"), options: options),
            CacheKey(
                chunk: hash("talk"), engine: engine(),
                options: TranscriptionOptions(language: "de", prompt: "Parlograph")),
            CacheKey(
                chunk: hash("talk"), engine: engine(), options: TranscriptionOptions(language: "en", prompt: "other")),
            CacheKey(chunk: hash("talk"), engine: engine(), options: TranscriptionOptions(language: "en", prompt: "")),
            CacheKey(recording: hash("talk"), engine: engine(), options: options, plan: ["1"]),
            CacheKey(recording: hash("talk"), engine: engine(), options: options, plan: ["2"]),
        ]
        #expect(Set(keys.map(\.digest)).count == keys.count)
        // The name that the administrator gave it is none of that.
        let renamed = EngineIdentity(name: "another", kind: "openai", model: "m", settings: ["a=1"])
        #expect(CacheKey(chunk: hash("talk"), engine: renamed, options: options).digest == keys[0].digest)
    }
}
