import AudioContainers
import Glibc
import SystemPackage
import SystemSupport
import Transcription

/// Decodes with the ffmpeg program, in the decoder process: for the formats that no library here reads.
struct ExternalDecoder {
    private let path: String
    private let demuxer: String
    private let format: String
    private let title: String
    private let reading: ExternalReading
    /// That is expected; nil: any.
    private let language: String?

    /// Takes the arguments of the decoder process that `arguments` gives; the last two may be left out.
    init?(_ arguments: [String]) {
        let more = arguments.count == 6 ? Array(arguments[4...]) : ["", ""]
        guard arguments.count == 4 || arguments.count == 6, arguments[0].hasPrefix("/"),
            arguments[1].utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }),
            let reading = ExternalReading(encoded: more[0])
        else { return nil }
        path = arguments[0]
        demuxer = arguments[1]
        format = arguments[2]
        title = arguments[3]
        self.reading = reading
        language = more[1].isEmpty ? nil : more[1]
    }

    /// - Parameter language: that is expected; nil: any.
    static func arguments(_ ffmpeg: String, _ needed: ProgramNeeded, language: String?) -> [String] {
        [ffmpeg, needed.demuxer, needed.format, needed.title, needed.reading, language ?? ""]
    }

    /// The demuxer to try when a library gives up on a file of its own format; nil where that makes no sense.
    static func demuxer(forRejected format: String) -> String? {
        ["wav": "wav", "flac": "flac", "ogg vorbis": "ogg", "opus": "ogg", "aiff": "aiff", "au": "au", "caf": "caf"][
            format]
    }

    /// The demuxer is given, so that the file cannot choose one; `file` is the only protocol, so that it cannot name
    /// another place. The recording is read through the descriptor that the program inherits.
    private var commandLine: [String] {
        [
            path, "-nostdin", "-hide_banner", "-nostats", "-v", "level+info", "-threads", "1",
            "-filter_complex_threads",
            "1", "-protocol_whitelist", "file", "-f", demuxer, "-i", "file:/proc/self/fd/0",
        ] + selection + ["-map_metadata", "-1", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
    }

    /// The track with the container's time line: holes between packets are silence, what starts late starts late. Several
    /// are added up, each with its own.
    private var selection: [String] {
        let timeLine = "async=1:first_pts=0"
        if reading.tracks.count == 1 {
            return ["-map", "0:a:\(reading.tracks[0])", "-vn", "-sn", "-dn", "-af", "aresample=\(timeLine)"]
        }
        let parts = reading.tracks.map {
            "[0:a:\($0)]aresample=\(SampleClock.rate):\(timeLine),aformat=sample_fmts=fltp:channel_layouts=mono[t\($0)];"
        }
        let inputs = reading.tracks.map { "[t\($0)]" }.joined()
        let mix = "amix=inputs=\(reading.tracks.count):duration=longest:normalize=0"
        return ["-filter_complex", parts.joined() + inputs + mix + "[mix]", "-map", "[mix]"]
    }

    private static let passingErrors: Set<Errno> = [
        .resourceTemporarilyUnavailable, .noMemory, .tooManyOpenFiles, .tooManyOpenFilesInSystem,
        // It was ended between its beginning and the program's.
        .noChildProcess,
    ]

    /// Starts the program, confined by itself; what it says is read by `decode`, when this process is confined, too.
    /// - Throws: `DecodingFailure`; `Interruption` where the system has no room for it at the moment.
    func start(_ confinement: Confinement) throws -> PipedProgram {
        do throws(SystemError) {
            return try PipedProgram(path, commandLine, confinement)
        } catch {
            if Self.passingErrors.contains(error.errno) {
                throw Interruption(cause: "ffmpeg could not be started: \(error.errno)")
            }
            let hint = error.errno == .permissionDenied ? " It must be the program itself, not a script." : ""
            throw DecodingFailure(
                .unsupportedFormat, "is \(title), and ffmpeg (\(path)) cannot be started: \(error.errno).\(hint)")
        }
    }

    /// - Parameter file: what the program reads.
    /// - Throws: `DecodingFailure`, `Interruption`, `DecoderOutput.Closed`.
    func decode(_ program: consuming PipedProgram, _ file: FileBytes, to output: inout DecoderOutput) throws {
        var child = program
        var holes = demuxer == "aac" ? ADTSDamage(file).holes : []
        if holes.reduce(0, { $0 + $1.length }) + (holes.last?.place ?? 0) > Loss.maximumRecording { holes = [] }
        var stream = AUStream(insertions: holes)
        /// Where something could not be used, in samples that came.
        var faults: [Int64] = []
        var report = ExternalReport()
        var isBegun = false
        /// In a pass that only measures.
        var meter: LevelMeter?
        var measured = DecoderOutput(measuring: LevelMeter(isBounded: false))
        let size = 256 << 10
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        while let (isReport, count) = child.read(into: buffer) {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if isReport {
                let before = report.faultCount
                report.append(bytes)
                if report.faultCount > before, faults.count < 100_000 { faults.append(stream.frameCount) }
                continue
            }
            guard try stream.append(bytes) else { continue }
            if !isBegun {
                isBegun = true
                if let next = reading.afterTracks(report, language) { try need(next, &output) }
                meter = reading.meter(for: report)
                if let meter {
                    measured = DecoderOutput(measuring: meter)
                } else {
                    try announce(stream, report, file, &output)
                }
                stream.mix(centre: reading.centre(in: report), meter.map { .meter($0) } ?? output.level)
            }
            if let meter {
                do {
                    try stream.drain(to: &measured)
                } catch is LevelMeter.Decided {
                    try need(reading.measured(by: meter, report, language), &output)
                }
            } else {
                try stream.drain(to: &output)
            }
        }
        let status = child.wait()
        let isHeard = stream.hasPending || output.sampleCount > 0 || measured.sampleCount > 0
        if let interruption = ExternalEnding.interruption(
            status: status, ranOutOfMemory: report.ranOutOfMemory && isHeard)
        {
            throw interruption
        }
        // ffmpeg's reads are not seen here, and what a disk withholds from it may look like anything.
        let isSuspicious = report.mentionsReadError || status != 0 || !isHeard && !report.sawNoAudio
        if isSuspicious {
            ExternalEnding.readAll(of: file)
            try Interruption.check(file)
            if !isHeard, !report.mentionsReadError, let next = reading.afterNothing(report, language) {
                try need(next, &output)
            }
            if report.mentionsReadError || !isHeard { try output.send(.doubt) }
        }
        if let meter {
            try finish(&stream, measuring: &measured)
            if measured.sampleCount > 0 { try need(reading.measured(by: meter, report, language), &output) }
        }
        try stream.finish(to: &output)
        guard output.sampleCount > 0 else { throw failure(report) }
        try tellTracks(report, to: &output)
        if stream.sawOppositeChannels {
            try output.send(
                .warning(
                    "The left and the right channel cancel each other out in places; there only the left was used."))
        }
        if demuxer == "ogg", let chain = OggChain(of: file, from: 0), !chain.isFinished {
            try output.send(.warning(OggChain.cutOff))
        }
        let isTold = try tellHoles(in: stream.zeros, near: faults, holes, rate: stream.sampleRate, to: &output)
        let endsEarly = try output.tellEarlyEnd()
        if let jump = report.jump, jump - output.seconds > max(1, jump / 500) {
            try output.send(
                .warning(
                    "The times in the file are those of \(TimeText.clock(seconds: jump)), but there are only "
                        + "\(TimeText.clock(seconds: output.seconds)) of sound: where a piece is missing, the times behind it are too early."
                ))
            return
        }
        guard !isTold, !endsEarly else { return }
        if report.faultCount > 0 {
            if let error = report.firstError { try output.send(.debug("ffmpeg: \(error)")) }
            try output.send(
                .warning("Parts of the file are damaged; what could be decoded of them has been transcribed."))
        } else if status != 0 {
            try output.send(
                .warning("ffmpeg stopped at \(TimeText.clock(seconds: output.seconds)) before the end of the file."))
        }
    }

    private func announce(
        _ stream: borrowing AUStream, _ report: ExternalReport, _ file: FileBytes, _ output: inout DecoderOutput
    ) throws {
        output.track = reading.choice(report, language)?.selection(of: report.tracks)
        output.gainDecibels = reading.gainDecibels ?? 0
        let isMix = reading.tracks.count > 1
        let rate = isMix ? report.tracks.compactMap(\.rate).max() : nil
        let declared = DeclaredSound.seconds(of: file, tracks: reading.tracks)
        try output.announce(
            format, rate: rate ?? stream.sampleRate, channels: stream.channels, estimated: report.seconds,
            declared: report.declaredSeconds(declared, of: reading.tracks))
    }

    /// What a pass that only measures has left; that it is decided now changes nothing.
    private func finish(_ stream: inout AUStream, measuring measured: inout DecoderOutput) throws {
        do { try stream.finish(to: &measured) } catch is LevelMeter.Decided {}
    }

    /// Ends this run: the next one is to read the file like this.
    private func need(_ next: ExternalReading, _ output: inout DecoderOutput) throws -> Never {
        try output.send(.needsProgram(demuxer: demuxer, format: format, title: title, reading: next.encoded))
        throw DecoderOutput.Closed()
    }

    private func tellTracks(_ report: ExternalReport, to output: inout DecoderOutput) throws {
        if !reading.warning.isEmpty { try output.send(.warning(reading.warning)) }
        let tried = reading.tried(report)
        guard let choice = reading.choice(report, language),
            let warning = choice.warning(of: report.tracks, tried: tried)
        else { return }
        try output.send(.warning(warning))
    }

    /// Tells of silence that stands for what is missing.
    /// - Parameters:
    ///   - zeros: stretches of silence, of which those count that have a fault beside them.
    ///   - holes: what was filled here.
    /// - Returns: whether there was something to tell.
    private func tellHoles(
        in zeros: [Range<Int64>], near faults: [Int64], _ holes: [ADTSDamage.Hole], rate: Int,
        to output: inout DecoderOutput
    ) throws -> Bool {
        // What ffmpeg says of a packet comes a little before or behind what it makes of those around it.
        let tolerance = Int64(3 * rate)
        var loss = Loss()
        for range in zeros
        where faults.contains(where: { $0 > range.lowerBound - tolerance && $0 < range.upperBound + tolerance }) {
            loss.add(from: Double(range.lowerBound) / Double(rate), to: Double(range.upperBound) / Double(rate))
        }
        var filled = 0.0
        for hole in holes {
            loss.add(from: hole.place + filled, to: hole.place + filled + hole.length)
            filled += hole.length
        }
        try loss.tell(holes.isEmpty ? "" : Loss.estimate, to: &output)
        return !loss.isEmpty
    }

    private func failure(_ report: ExternalReport) -> DecodingFailure {
        if report.sawNoAudio {
            return DecodingFailure(.notARecording, "is \(title) without an audio track.")
        }
        let words = report.firstError ?? "no samples came out"
        let isUnknown = !report.tracks.isEmpty && report.tracks.allSatisfy { !$0.isKnown }
        let fault = isUnknown ? ExternalReport.unknownEncoding : report.fault ?? "damaged: nothing of it can be decoded"
        return DecodingFailure(.undecodable, "is \(title), but \(fault).", detail: "ffmpeg: \(words)")
    }
}
