import SystemSupport

/// The files that stand beside a recording's name in the outbox.
package enum SidecarFormat: String, Sendable, Codable, CaseIterable, Hashable {
    case txt, srt, vtt, tsv, json, md, docx, odt, html

    /// Without the dot.
    package var fileExtension: String { rawValue }
    /// `SubtitleFiles` is about it.
    package var isSubtitle: Bool { self == .srt || self == .vtt }
    /// Not plain text: to be opened in an office program or a browser.
    package var isDocument: Bool { self == .docx || self == .odt || self == .html }
}

/// What of one run goes into `.json` but is no property of the transcript.
package struct RunFacts: Sendable, Hashable, Codable {
    /// From the start of the job to the merged transcript.
    package var processingTime: Duration
    /// The recording was answered from the cache as a whole: every chunk counts as a hit, without a request.
    package var wholeRecordingFromCache: Bool

    package init(processingTime: Duration, wholeRecordingFromCache: Bool = false) {
        self.processingTime = processingTime
        self.wholeRecordingFromCache = wholeRecordingFromCache
    }
}

/// Renders transcripts as files. Pure: the same transcript and run give the same bytes.
package enum Sidecar {
    /// A whole set. Its `.json` also tells the digests of the others (`sidecars`), so that files that a person has edited
    /// are known from those that were delivered, without any other record.
    /// - Parameter recording: where the page finds the recording, as for `page`.
    package static func renderSet(
        _ transcript: Transcript, _ formats: [SidecarFormat], run: RunFacts, style: SidecarStyle = SidecarStyle(),
        recording: RelativeLink? = nil
    ) -> [SidecarFormat: [UInt8]] {
        let transcript = transcript.withSounds(style.sounds)
        var set: [SidecarFormat: [UInt8]] = [:]
        for format in formats where format != .json {
            set[format] = render(transcript, format, run: run, style: style, recording: recording)
        }
        if formats.contains(.json) {
            let digests = set.mapValues { bytes in bytes.withUnsafeBytes { SHA256.digest(of: $0) } }
            set[.json] = json(transcript, run: run, siblings: digests)
        }
        return set
    }

    /// Text is UTF-8 with line feeds and without a byte order mark, unless `style` has it otherwise.
    /// - Parameter recording: as for `renderSet`.
    package static func render(
        _ transcript: Transcript, _ format: SidecarFormat, run: RunFacts, style: SidecarStyle = SidecarStyle(),
        recording: RelativeLink? = nil
    ) -> [UInt8] {
        func cues(_ labels: SpeakerLabels) -> [Cue] {
            CueBuilder(limits: style.subtitles, speakers: labels).cues(for: transcript)
        }
        switch format {
        case .txt: return Array(plainText(transcript, style).utf8)
        case .srt: return style.subtitleFiles.encoded(subRip(cues(style.speakers)))
        case .vtt: return style.subtitleFiles.encoded(webVTT(cues(.never), hasVoices: style.speakers != .never))
        case .tsv: return Array(tabSeparated(transcript, style.speakers).utf8)
        case .json: return json(transcript, run: run)
        case .md: return Array(markdown(transcript, style).utf8)
        case .docx: return wordDocument(transcript, style)
        case .odt: return openDocument(transcript, style)
        case .html: return page(transcript, style, recording: recording)
        }
    }

    /// `[untranscribed 00:10:00–00:15:00]`, or `[untranscribed from 00:10:00 to the end]` where the end is not known.
    static func marker(of gap: Transcript.Gap) -> String { "[untranscribed \(gap.place)]" }
}

extension Transcript {
    /// What a reader meets, in order.
    enum Part {
        case segment(Segment)
        case gap(Gap)
    }

    /// Segments with text and gaps in the order of time; gaps that touch are one.
    var parts: [Part] {
        var joined: [Gap] = []
        for gap in gaps.sorted(by: { $0.range.start < $1.range.start }) {
            if let last = joined.last, gap.range.start <= last.range.end {
                joined[joined.count - 1].range.end = max(last.range.end, gap.range.end)
                joined[joined.count - 1].isOpenEnded = last.isOpenEnded || gap.isOpenEnded
            } else {
                joined.append(gap)
            }
        }
        var parts: [Part] = []
        var next = joined.startIndex
        for segment in segments where WrittenText.isVisible(segment.text) {
            while next < joined.endIndex, joined[next].range.start <= segment.range.start {
                parts.append(.gap(joined[next]))
                next += 1
            }
            parts.append(.segment(segment))
        }
        return parts + joined[next...].map { .gap($0) }
    }
}
