import Glibc
import Synchronization
package import SystemPackage
import SystemSupport
package import Transcription

/// The engine that needs nothing but this machine: a model that sherpa-onnx runs, in a process of its own.
///
/// Chunks are decoded several at a time in one process for each model, or for each language where the model is told it. A
/// chunk's words depend on its samples alone.
package final class OfflineTranscriber: Transcriber {
    /// What the configuration and the cache's keys call engines of this kind.
    package static let kind = "offline"
    package let identity: EngineIdentity
    package let limits: EngineLimits
    private let settings: OfflineEngineSettings
    private let executable: FilePath
    private let threads: Int
    private let idle: Duration
    private let maximumMemory: UInt64?
    /// By the language that they are told; without one where the model is told none.
    private let recognizers = Mutex<[String?: Recognizer]>([:])
    private let seats = RecognizerSeats(maximum: 2)

    /// Starts nothing: the first chunk does.
    /// - Parameters:
    ///   - executable: the program whose subcommand `RecognizerProcess.subcommand` is the recognizer; this one by default.
    ///   - idle: after that time without work the process ends.
    ///   - maximumMemory: of the process, in bytes of address space; nil: by the size of the model.
    package init(
        _ settings: OfflineEngineSettings = OfflineEngineSettings(), executable: FilePath = "/proc/self/exe",
        idle: Duration = .seconds(30), maximumMemory: UInt64? = nil
    ) {
        self.settings = settings
        self.executable = executable
        self.idle = idle
        self.maximumMemory = maximumMemory
        let processors = max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))
        threads = settings.threads ?? min(processors, OfflineEngineSettings.maximumThreadsByDefault)
        identity = Self.identity(settings, try? InstalledModel.find(settings))
        limits = EngineLimits(
            targetChunkSamples: SampleClock.samples(seconds: settings.chunkTargetSeconds),
            maximumChunkSamples: SampleClock.samples(seconds: settings.chunkMaxSeconds), maximumConcurrency: threads)
    }

    /// - Parameter model: nil where it is not installed.
    private static func identity(_ settings: OfflineEngineSettings, _ model: InstalledModel?) -> EngineIdentity {
        // Another rule for pieces, words or second looks is another result.
        var details = ["pieces=2"]
        if let model {
            details += (model.manifest?.files ?? [:]).map { "\($0.key)=\($0.value.prefix(16))" }
            if model.manifest == nil { details.append("folder=\(model.folder.printable) bytes=\(model.byteCount)") }
        }
        return EngineIdentity(
            name: settings.name, kind: Self.kind, model: shownName(settings.model), settings: details)
    }

    /// Moonshine tiny on a slow core.
    package var traits: EngineTraits { EngineTraits(repeatsItself: true, expectedRate: 20) }

    /// False where another model lies in its model's place, or it has one only now: what it transcribes then would be
    /// remembered as this one's words. Blocks.
    package var isCurrent: Bool { identity == Self.identity(settings, try? InstalledModel.find(settings)) }

    /// The model, as long as it is the one of `identity`. Blocks.
    /// - Throws: `TranscriptionError` with code `engineUnavailable`.
    private static func model(_ settings: OfflineEngineSettings, of identity: EngineIdentity) throws -> InstalledModel {
        let model = try InstalledModel.find(settings)
        guard Self.identity(settings, model) == identity else {
            throw TranscriptionError(
                .engineUnavailable,
                "The offline engine's model “\(model.name)” was replaced while it was in use. Recordings wait, and are "
                    + "transcribed with the new one: systemctl reload parlograph does it at once.")
        }
        return model
    }

    package func heeded(_ options: TranscriptionOptions) -> TranscriptionOptions { options.withPlainLanguage }

    private static func shownName(_ model: String) -> String {
        model.split(separator: "/").last.map(String.init) ?? model
    }

    package func transcribe(
        _ chunk: Chunk, options: TranscriptionOptions, turn: RequestContext
    ) async throws -> ChunkTranscript {
        let (settings, identity) = (settings, identity)
        let model = try await BlockingPool.files.run { try Self.model(settings, of: identity) }
        if let language = options.language, !model.understands(language) {
            throw TranscriptionError(.languageNotSupported, Self.refusal(of: language, by: model))
        }
        let told = model.layout.family.takesLanguage ? options.language.flatMap(model.code) : nil
        let isChecked = options.language == nil && chunk.index % Self.checkedChunks == 0
        let answer = try await recognizer(told).ask(isChecked ? .hearUntold : .hear, chunk.audio)
        guard let hearing = PieceHearing(answer, sampleCount: chunk.audio.sampleCount) else {
            throw TranscriptionError(
                .requestFailed, "The offline engine's process gave an answer that makes no sense.",
                remedy: .retry(after: nil))
        }
        guard !hearing.doubts.contains(.memory) else {
            throw TranscriptionError(
                .requestFailed, Recognizer.wantOfMemory(model.name), remedy: .retry(after: nil))
        }
        let (segments, areEstimated) = hearing.segments()
        return ChunkTranscript(
            language: model.onlyLanguage ?? told ?? hearing.language, segments: segments,
            timesAreEstimated: areEstimated, warnings: Self.warnings(hearing, model))
    }

    /// Why a model is not asked for a language, with what to do.
    package static func refusal(of language: String, by model: InstalledModel) -> String {
        let known = model.onlyLanguage ?? "auto"
        return
            "The offline engine's model “\(model.name)” knows \(model.languagesText) only, not “\(language)”. Choose a model "
            + "that knows it (parlograph models list), or another engine, or set language = \"\(known)\"."
    }

    // MARK: Doubts

    /// Where no language is told, each so manieth chunk is heard a second time in part, to see whether it is understood.
    private static let checkedChunks = 4
    /// Letters in a second of speech; people speak 8 to 25.
    private static let plausibleLetters = 3.0...32.0
    /// Less is too little to judge by: 5 s.
    private static let minimumJudged = 5 * SampleClock.rate

    private static func warnings(_ hearing: PieceHearing, _ model: InstalledModel) -> [String] {
        var warnings: [String] = []
        for doubt in PieceHearing.Doubt.allCases where hearing.doubts.contains(doubt) {
            switch doubt {
            case .runaway:
                warnings.append("The engine gave more text than can be said in the time; it was left out.")
            case .nothing: warnings.append("The engine gave no text though speech is to be heard.")
            case .unknown: warnings.append("The engine could not make out some words; they were left out.")
            case .disagreement:
                warnings.append(
                    "A part of this, heard a second time, was another text; it may be invented. Is another language "
                        + "spoken?")
            case .memory: break
            }
        }
        let spoken = hearing.spokenSamples
        let letters = hearing.parts.reduce(0) { $0 + $1.text.count { $0.isLetter || $0.isNumber } }
        if model.layout.family.isGenerative, spoken >= minimumJudged, letters > 0,
            !hearing.parts.contains(where: { $0.text.contains(where: \.isUnspaced) }),
            !plausibleLetters.contains(Double(letters) / SampleClock.seconds(spoken))
        {
            warnings.append(
                "The text does not fit the length of the speech; it may be invented. Is another language spoken?")
        }
        return warnings
    }

    // MARK: Trying it

    /// The files' hashes are looked at, and some seconds of speech-like sound are decoded and their time taken.
    package func check() async throws -> EngineReport {
        let settings = settings
        let (model, isKnown) = try await BlockingPool.files.run {
            let model = try InstalledModel.find(settings)
            return (model, try model.verify())
        }
        let second = try Chunk.sample.audio.samples()
        let seconds = 5
        let audio = ChunkAudio(Array((0..<seconds).map { _ in second }.joined()))
        let answer = try await recognizer(nil).ask(.measure, audio)
        let text =
            "The offline engine loaded the model \(model.name) (\(model.layout.family.title), \(model.languagesText)) from "
            + "\(model.folder.printable)."
        var report = EngineReport(works: text + Self.speed(answer, seconds: seconds))
        if !isKnown {
            report.notes.append("No hashes are known of the model \(model.name): a damaged file is not seen.")
        }
        if model.layout.family.takesLanguage, !model.layout.family.findsLanguage {
            report.notes.append(
                "The model \(model.name) does not find out which language is spoken: with language = \"auto\" it takes all "
                    + "speech for English. Set the language of each inbox.")
        }
        return report
    }

    private static func speed(_ answer: [UInt8], seconds: Int) -> String {
        guard let micros = Int(String(decoding: answer, as: UTF8.self)), micros > 0 else { return "" }
        let times = Double(seconds) * 1_000_000 / Double(micros)
        return " It decodes about \(Int(times.rounded())) times as fast as people speak, on each processor."
    }

    /// The recognizer's process while there is one; for tests.
    package var processes: [Int32] { recognizers.withLock { $0.values.compactMap(\.process) } }

    // MARK: The process

    private func recognizer(_ language: String?) -> Recognizer {
        recognizers.withLock { recognizers in
            if let known = recognizers[language] { return known }
            let made = Recognizer(seats: seats) { [settings, identity, executable, threads, idle, maximumMemory] in
                let model = try Self.model(settings, of: identity)
                // A model with half of its tokens would be loaded, and say half of the words.
                try model.verify()
                guard let libraries = EngineFiles.libraries else {
                    throw TranscriptionError(
                        .engineUnavailable,
                        "The offline engine's library \(EngineFiles.library) is not installed: it belongs into "
                            + "/usr/lib/parlograph, where the package parlograph puts it.")
                }
                let threads = model.layout.family.isExclusive ? 1 : threads
                return Recognizer.Setup(
                    executable: executable, model: model, language: language, threads: threads,
                    library: libraries.appending(EngineFiles.library),
                    detector: libraries.appending(EngineFiles.detector),
                    maximumMemory: maximumMemory ?? Self.maximumMemory(of: model, threads: threads), idle: idle)
            }
            recognizers[language] = made
            return made
        }
    }

    /// Address space: the program and the libraries, the model several times over while it is loaded, and for each thread
    /// its stack, its share of malloc's arenas and what a piece of 30 s takes.
    private static func maximumMemory(of model: InstalledModel, threads: Int) -> UInt64 {
        (512 << 20) + UInt64(max(0, model.byteCount)) * 6 + UInt64(threads) * (256 << 20)
    }
}
