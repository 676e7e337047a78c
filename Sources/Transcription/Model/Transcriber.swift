package import SystemSupport

/// What the user asks of an engine for a recording.
package struct TranscriptionOptions: Sendable, Hashable, Codable {
    /// The `description` of a `LanguageTag`; nil to let the engine find out (`auto`).
    package var language: String?
    /// A hint about names and terms; nil leaves it to the engine's own setting, empty sends none at all.
    package var prompt: String?

    package init(language: String? = nil, prompt: String? = nil) {
        self.language = language
        self.prompt = prompt
    }
}

/// What identifies an engine's results: the cache must not mix those of two engines.
package struct EngineIdentity: Sendable, Hashable {
    /// The name in the configuration (`cloud`).
    package let name: String
    /// As the configuration calls it.
    package let kind: String
    package let model: String
    /// Settings that change the text, as sorted `key=value`; no secret.
    package let settings: [String]

    package init(name: String, kind: String, model: String, settings: [String]) {
        self.name = name
        self.kind = kind
        self.model = model
        self.settings = settings.sorted()
    }
}

/// What an engine can take, for the `DynamicChunkSizer` and the `ConcurrencyController`.
package struct EngineLimits: Sendable, Hashable {
    /// The length the engine does best with; nil: the size rules alone decide.
    package var targetChunkSamples: Int64?
    /// Never longer than this, overlap included; nil: no limit but the bytes.
    package var maximumChunkSamples: Int64?
    /// Chunks in flight that make sense (cores for an engine on this machine); nil: the configured number.
    package var maximumConcurrency: Int?
    /// What one request may hold, for the size rules of whole recordings; nil: no limit.
    package var maximumRequestBytes: Int?

    package init(
        targetChunkSamples: Int64? = nil, maximumChunkSamples: Int64? = nil, maximumConcurrency: Int? = nil,
        maximumRequestBytes: Int? = nil
    ) {
        self.targetChunkSamples = targetChunkSamples
        self.maximumChunkSamples = maximumChunkSamples
        self.maximumConcurrency = maximumConcurrency
        self.maximumRequestBytes = maximumRequestBytes
    }
}

/// What the pipeline may expect of an engine, whatever it is called.
package struct EngineTraits: Sendable, Hashable {
    /// The same chunk asked again gives the same text: a second look at a doubtful answer is of no use.
    package var repeatsItself: Bool
    /// Seconds of audio that one chunk gains in a second, before anything was measured.
    package var expectedRate: Double

    package init(repeatsItself: Bool, expectedRate: Double) {
        self.repeatsItself = repeatsItself
        self.expectedRate = expectedRate
    }
}

/// What came of trying an engine.
package struct EngineReport: Sendable, Hashable {
    /// A sentence or two with what was shown to work; empty where nothing was.
    package var works: String
    /// What an administrator should know besides; a sentence or two each.
    package var notes: [String]

    package init(works: String, notes: [String] = []) {
        self.works = works
        self.notes = notes
    }
}

/// An engine: turns a chunk into timed text.
package protocol Transcriber: Sendable {
    var identity: EngineIdentity { get }
    var limits: EngineLimits { get }
    var traits: EngineTraits { get }
    /// False where what it was made of has been replaced: it is to be made anew. Blocks.
    var isCurrent: Bool { get }

    /// What of the options changes the engine's answer, in one form: the cache finds by it what was asked for in another.
    func heeded(_ options: TranscriptionOptions) -> TranscriptionOptions

    /// One attempt. Reacts to cancellation within a second.
    /// - Parameter turn: asked before each request after the first, where an attempt takes more than one.
    /// - Throws: `TranscriptionError`, whose `remedy` says whether another attempt makes sense; `CancellationError`.
    func transcribe(_ chunk: Chunk, options: TranscriptionOptions, turn: RequestContext) async throws -> ChunkTranscript

    /// Makes audio that will be in memory for long take less of it, where the engine can (`ChunkAudio.packed`).
    func compact(_ audio: ChunkAudio) async

    /// Does what can be done before it is the chunk's turn, so that its turn is not spent on that.
    func prepare(_ audio: ChunkAudio) async

    /// Why the engine answers nobody at the moment, found out with something small that is no recording's audio; nil: it
    /// answers, or cannot be away.
    /// - Parameter turn: as for `transcribe`; what is sent is its next request.
    /// - Throws: `CancellationError`.
    func absence(turn: RequestContext) async throws -> TranscriptionError?

    /// Finds out, before the first recording, what decides how it is treated: `identity`, `limits` and `heeded` may be others
    /// afterwards. Takes a few seconds at most, costs nothing, and does nothing where all is known.
    func meet() async

    /// How long the answer to a request with so much audio may take: so long a server that is being started is waited for.
    func patience(forSamples count: Int64) -> Duration

    /// Says that the engine is ready, without a recording.
    /// - Throws: `TranscriptionError` that says what is missing and how to get it.
    func check() async throws -> EngineReport
}

extension TranscriptionOptions {
    /// With the language by the code that most speech models know it by, without region or script.
    package var withPlainLanguage: TranscriptionOptions {
        var plain = self
        plain.language = language.map { LanguageTag($0)?.codes.first ?? $0 }
        return plain
    }
}

extension Transcriber {
    /// Of a program on this machine, at a rate that the common ones reach.
    package var traits: EngineTraits { EngineTraits(repeatsItself: true, expectedRate: 30) }
    package var isCurrent: Bool { true }
    package func heeded(_ options: TranscriptionOptions) -> TranscriptionOptions { options }
    package func compact(_ audio: ChunkAudio) async {}
    package func prepare(_ audio: ChunkAudio) async {}
    package func meet() async {}
    package func patience(forSamples count: Int64) -> Duration { .zero }
    package func absence(turn: RequestContext) async throws -> TranscriptionError? { nil }

    /// One attempt that nobody paces.
    package func transcribe(_ chunk: Chunk, options: TranscriptionOptions) async throws -> ChunkTranscript {
        try await transcribe(chunk, options: options, turn: RequestContext())
    }
}

/// Decodes recordings and cuts them into chunks.
package protocol AudioSource: Sendable {
    /// Decodes `recording` while `body` takes chunks: at most one finished chunk waits, so a slow `body` holds the
    /// decoder back. Leaving `body` early, by an error or by cancellation, ends the decoder.
    /// - Parameters:
    ///   - language: that is expected, as `TranscriptionOptions` has it: of several tracks the one in it is heard.
    ///   - plan: is asked once, before the first chunk, how to cut.
    ///   - knownCuts: is asked once, before the first chunk, how recordings were cut that begin with the same sound: gets
    ///     SHA-256 over the first samples (`RecordingCuts.openingSamples`). They are used as long as the sound is the same.
    ///   - body: gets the properties and the reader; both are of no use after it returns.
    /// - Throws: `TranscriptionError` with a code of the decoding family; what `plan` and `body` throw.
    func withChunks<Result: Sendable>(
        of recording: Recording, language: String?, plan: (AudioProperties) throws -> ChunkPlan,
        knownCuts: @escaping @Sendable (Digest) async -> [RecordingCuts],
        _ body: (AudioProperties, any ChunkReader) async throws -> Result
    ) async throws -> Result

    /// What, besides the bytes of `recording` and its language, decides what is heard of it: equal texts, equal samples.
    func reading(of recording: Recording) -> String
}

extension AudioSource {
    /// Cut by the plan alone.
    package func withChunks<Result: Sendable>(
        of recording: Recording, language: String? = nil, plan: (AudioProperties) throws -> ChunkPlan,
        _ body: (AudioProperties, any ChunkReader) async throws -> Result
    ) async throws -> Result {
        try await withChunks(of: recording, language: language, plan: plan, knownCuts: { _ in [] }, body)
    }
}

/// Gives the chunks of one recording, in order.
package protocol ChunkReader {
    /// The next chunk; nil at the end.
    /// - Throws: `TranscriptionError` when decoding fails before any sample was heard; later failures end the recording
    ///   with a warning in the summary.
    func next() async throws -> Chunk?
    /// Valid after `next` returned nil.
    var summary: DecodeSummary { get }
}

/// How a recording is to be cut. All in samples.
package struct ChunkPlan: Sendable, Hashable {
    /// Length between planned cuts.
    package var chunkSamples: Int64
    /// No chunk is longer than this, overlap included.
    package var maximumChunkSamples: Int64
    /// Expected number of chunks, nil when the length is unknown beforehand.
    package var expectedChunks: Int?

    package init(chunkSamples: Int64, maximumChunkSamples: Int64, expectedChunks: Int?) {
        self.chunkSamples = chunkSamples
        self.maximumChunkSamples = maximumChunkSamples
        self.expectedChunks = expectedChunks
    }
}
