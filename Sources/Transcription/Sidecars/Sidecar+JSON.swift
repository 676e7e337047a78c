import Glibc
import SystemSupport

extension Sidecar {
    /// A superset of OpenAI's `verbose_json`. All its required keys are there, so that readers with strict types work:
    /// an unknown language is `und` (ISO 639-2), an unknown `avg_logprob` or `no_speech_prob` is 0 and an unknown
    /// `compression_ratio` is 1, values that no filter objects to; `tokens` is empty. `text` is the segments' texts joined
    /// by a space, or by nothing between characters of a script without spaces.
    static func json(
        _ transcript: Transcript, run: RunFacts, siblings: [SidecarFormat: Digest] = [:]
    ) -> [UInt8] {
        let segments = transcript.segments.filter { WrittenText.isVisible($0.text) }
        var members: [(String, JSONText)] = [
            ("task", .string("transcribe")),
            ("language", .string(transcript.language ?? "und")),
            ("duration", .seconds(transcript.sampleCount)),
            ("text", .string(segments.map { WrittenText.clean($0.text) }.joinedAsText())),
            ("segments", .array(segments.enumerated().map { segment($1, id: $0) })),
        ]
        let words = segments.flatMap(\.words)
        if !words.isEmpty { members.append(("words", .array(words.map(word)))) }
        let speakers = segments.speakers
        if !speakers.isEmpty { members.append(("speakers", .array(speakers.map { .string($0) }))) }
        if transcript.timesAreEstimated { members.append(("timing", .string("estimated"))) }
        let answerer = Answerer.most(of: transcript)
        let hits = run.wholeRecordingFromCache ? transcript.chunks.count : transcript.cacheHits
        members += [
            ("processing_time", .decimal(units: milliseconds(run.processingTime), digits: 3)),
            ("chunks_processed", .integer(Int64(transcript.chunks.count))),
            ("cache_hits", .integer(Int64(hits))),
            ("source", source(transcript.source)),
            ("engine", .string(answerer.engine)),
            ("model", .string(answerer.model)),
            ("chunks", .array(transcript.chunks.map { chunk($0, run: run, of: transcript, mostly: answerer) })),
            ("coverage", .fraction(transcript.coverage)),
            (
                "gaps",
                .array(
                    transcript.gaps.map {
                        .object([
                            ("start", .seconds($0.range.start)),
                            ("end", $0.isOpenEnded ? .null : .seconds($0.range.end)),
                            ("reason", .string($0.reason)), ("cause", .string($0.cause.rawValue)),
                        ])
                    })
            ),
            (
                "suppressed",
                .array(
                    transcript.suppressed.map {
                        .object([
                            ("start", .seconds($0.range.start)), ("end", .seconds($0.range.end)),
                            ("text", .string($0.text)), ("reason", .string($0.reason.rawValue)),
                        ])
                    })
            ),
            ("warnings", .array(transcript.warnings.map { .string($0) })),
            (
                "sidecars",
                .object(
                    siblings.sorted { $0.key.rawValue < $1.key.rawValue }.map {
                        ($0.key.rawValue, .string($0.value.description))
                    })
            ),
        ]
        return JSONText.object(members).document
    }

    private static func segment(_ segment: Segment, id: Int) -> JSONText {
        let confidence = segment.confidence ?? mean(segment.words.compactMap(\.confidence))
        let logProbability = segment.averageLogProbability ?? confidence.map { log(max(1e-6, $0)) }
        var members: [(String, JSONText)] = [
            ("id", .integer(Int64(id))),
            // Whisper counts in hundredths of a second here.
            ("seek", .integer(segment.range.start / (SampleClock.rate / 100))),
            ("start", .seconds(segment.range.start)),
            ("end", .seconds(segment.range.end)),
            ("text", .string(WrittenText.clean(segment.text))),
            ("tokens", .array([])),
            ("temperature", .decimal(units: 0, digits: 1)),
            ("avg_logprob", .number(logProbability, or: .decimal(units: 0, digits: 1))),
            ("compression_ratio", .number(segment.compressionRatio, or: .decimal(units: 10, digits: 1))),
            ("no_speech_prob", .number(segment.noSpeechProbability, or: .decimal(units: 0, digits: 1))),
        ]
        if let confidence { members.append(("confidence", .number(confidence, or: .null))) }
        if let speaker = segment.speaker { members.append(("speaker", .string(speaker))) }
        return .object(members)
    }

    private static func word(_ word: Word) -> JSONText {
        var members: [(String, JSONText)] = [
            ("word", .string(WrittenText.clean(word.text))),
            ("start", .seconds(word.range.start)),
            ("end", .seconds(word.range.end)),
        ]
        if let confidence = word.confidence { members.append(("confidence", .number(confidence, or: .null))) }
        if let speaker = word.speaker { members.append(("speaker", .string(speaker))) }
        return .object(members)
    }

    private static func source(_ source: Transcript.Source) -> JSONText {
        var members: [(String, JSONText)] = [
            ("name", .string(source.name)),
            ("bytes", .integer(source.byteCount)),
            ("sha256", .string(source.sha256.description)),
            ("format", .string(source.format)),
            ("sample_rate", .integer(Int64(source.sampleRate))),
            ("channels", .integer(Int64(source.channels))),
        ]
        if let selection = source.track { members.append(("track", track(selection))) }
        if let gain = source.gainDecibels { members.append(("gain_db", .integer(Int64(gain)))) }
        return .object(members)
    }

    /// One track is `taken`, several are `mixed`: each key has one type.
    private static func track(_ selection: TrackSelection) -> JSONText {
        let isMix = selection.taken.count > 1
        let numbers = selection.taken.map { JSONText.integer(Int64($0)) }
        var members: [(String, JSONText)] = [
            isMix ? ("mixed", .array(numbers)) : ("taken", numbers.first ?? .null),
            ("of", .integer(Int64(selection.count))),
        ]
        if let language = selection.language { members.append(("language", .string(language))) }
        return .object(members)
    }

    /// Engine and model are told where they are not those of the whole.
    private static func chunk(
        _ chunk: Transcript.ChunkReport, run: RunFacts, of transcript: Transcript, mostly answerer: Answerer
    ) -> JSONText {
        var members: [(String, JSONText)] = [
            ("index", .integer(Int64(chunk.index))),
            ("start", .seconds(chunk.range.start)),
            ("end", .seconds(chunk.range.end)),
            ("hash", .string(chunk.hash.description)),
            ("from_cache", .boolean(run.wholeRecordingFromCache || chunk.fromCache)),
            ("attempts", .integer(run.wholeRecordingFromCache ? 0 : Int64(chunk.attempts))),
            ("language", .optional(chunk.language)),
            ("coverage", .fraction(chunk.coverage)),
        ]
        if let own = Answerer(of: chunk, in: transcript), own != answerer {
            members += [("engine", .string(own.engine)), ("model", .string(own.model))]
        }
        return .object(members)
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1000 + (attoseconds + 500_000_000_000_000) / 1_000_000_000_000_000
    }
}

/// Who answered for a chunk.
private struct Answerer: Hashable {
    var engine: String
    var model: String

    /// The one that was asked for.
    private init(of transcript: Transcript) { (engine, model) = (transcript.engine, transcript.model) }

    /// Nil where nobody did: it failed, or nothing is to be heard in it.
    init?(of chunk: Transcript.ChunkReport, in transcript: Transcript) {
        guard chunk.fromCache || chunk.attempts > 0,
            !transcript.gaps.contains(where: { $0.cause == .engine && $0.range == chunk.range })
        else {
            return nil
        }
        self.init(of: transcript)
        if let other = chunk.engine { (engine, model) = (other, chunk.model ?? "") }
    }

    /// For most of the audio; of equals the one that was asked for.
    static func most(of transcript: Transcript) -> Answerer {
        var best = (who: Answerer(of: transcript), samples: Int64(0))
        var heard: [Answerer: Int64] = [:]
        for chunk in transcript.chunks {
            guard let who = Answerer(of: chunk, in: transcript) else { continue }
            heard[who, default: 0] += chunk.range.count
        }
        best.samples = heard[best.who] ?? 0
        for (who, samples) in heard.sorted(by: { $0.key.engine < $1.key.engine }) where samples > best.samples {
            best = (who, samples)
        }
        return best.who
    }
}
