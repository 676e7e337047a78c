import AudioContainers
import Glibc
import SystemPackage
import SystemSupport
import Transcription

/// Decodes with the ffmpeg program, in the decoder process: for the formats that no library here reads.
struct ExternalDecoder {
    private let path: String
    private let demuxer: String
    /// The same, with what is known of the file.
    private let argument: String
    private let format: String
    private let title: String
    private let reading: ExternalReading
    /// That is expected; nil: any.
    private let language: String?
    /// The list of edits in the file is not believed.
    private let ignoresEdits: Bool
    /// What stands in front of this byte is left out.
    private let start: Int64

    /// Takes the arguments of the decoder process that `arguments` gives.
    init?(_ arguments: [String]) {
        guard arguments.count == 6, arguments[0].hasPrefix("/"), let reading = ExternalReading(encoded: arguments[4])
        else { return nil }
        path = arguments[0]
        argument = arguments[1]
        ignoresEdits = argument.hasSuffix(Self.withoutEdits)
        let words = argument.split(separator: "-").map(String.init)
        demuxer = words.first ?? ""
        start = words.count == 3 && words[1] == "from" ? Int64(words[2]) ?? 0 : 0
        guard demuxer.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }) else { return nil }
        format = arguments[2]
        title = arguments[3]
        self.reading = reading
        language = arguments[5].isEmpty ? nil : arguments[5]
    }

    /// - Parameter language: that is expected; nil: any.
    static func arguments(_ ffmpeg: String, _ needed: ProgramNeeded, language: String?) -> [String] {
        [ffmpeg, needed.demuxer, needed.format, needed.title, needed.reading, language ?? ""]
    }

    /// Behind the name of a demuxer.
    private static let withoutEdits = "-without-edits"
    /// The same, in front of a number of bytes.
    private static let from = "-from-"

    /// The demuxer as an argument of the process that runs ffmpeg, with what is known of the file already.
    static func demuxer(_ name: String, for file: FileBytes) -> String {
        switch name {
        case "mov": MP4Header(file)?.editsAreOdd == true ? name + withoutEdits : name
        case "aac": ADTSDamage.placeOfUsualFrame(file).map { "\(name)\(from)\($0)" } ?? name
        default: name
        }
    }

    /// The demuxer to try when a library gives up on a file of its own format; nil where that makes no sense.
    static func demuxer(forRejected format: String) -> String? {
        [
            "wav": "wav", "flac": "flac", "ogg vorbis": "ogg", "opus": "ogg", "ogg": "ogg", "aiff": "aiff",
            "au": "au", "caf": "caf",
        ][
            format]
    }

    /// The demuxer is given, so that the file cannot choose one; `file` is the only protocol, so that it cannot name
    /// another place. The recording is read through the descriptor that the program inherits.
    private var commandLine: [String] {
        [
            path, "-nostdin", "-hide_banner", "-nostats", "-v", "level+info", "-threads", "1",
            "-filter_complex_threads", "1", "-protocol_whitelist", "file", "-f", demuxer,
        ] + (ignoresEdits ? ["-ignore_editlist", "1"] : []) + (start > 0 ? ["-skip_initial_bytes", "\(start)"] : [])
            + ["-i", "file:/proc/self/fd/0"] + selection
            + ["-map_metadata", "-1", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
    }

    /// The track with the container's time line: holes between packets are silence, what starts late starts late. Several
    /// are added up, each with its own.
    private var selection: [String] {
        if reading.tracks.count == 1 {
            return ["-map", "0:a:\(reading.tracks[0])", "-vn", "-sn", "-dn", "-af", ContainerTimes.filter]
        }
        let parts = reading.tracks.map {
            "[0:a:\($0)]aresample=\(SampleClock.rate):async=1:first_pts=0,"
                + "aformat=sample_fmts=fltp:channel_layouts=mono[t\($0)];"
        }
        // With a track in front that is longer than the others, amix (of ffmpeg 5.1) ends with these; behind one that has
        // ended already it does not.
        let ended = "anullsrc=r=\(SampleClock.rate):cl=mono:d=0.1[ended];"
        let inputs = "[ended]" + reading.tracks.map { "[t\($0)]" }.joined()
        let mix = "amix=inputs=\(reading.tracks.count + 1):duration=longest:normalize=0"
        return ["-filter_complex", ended + parts.joined() + inputs + mix + "[mix]", "-map", "[mix]"]
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
        /// Of silence that was put in, that which stands for something that could not be used.
        var damaged: Set<Double> = []
        var report = ExternalReport()
        var times = ContainerTimes()
        let own = DeclaredSound(of: file, tracks: reading.tracks)
        var isBegun = false
        /// In a pass that only measures.
        var meter: LevelMeter?
        var measured = DecoderOutput(measuring: LevelMeter(isBounded: false))
        let size = 256 << 10
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        let reportBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { reportBuffer.deallocate() }
        func takeReport(_ bytes: UnsafeRawBufferPointer) {
            let before = report.faultCount
            report.append(bytes)
            if report.faultCount > before, faults.count < 100_000 { faults.append(stream.frameCount) }
            for jump in report.takeJumps() where ContainerTimes.containers.contains(demuxer) {
                // The length of a file of fragments is what the times of these make it.
                let length = demuxer == "mov" && own == .unread ? nil : report.containerLength
                guard let hole = times.take(jump.before, jump.after, containerLength: length) else { continue }
                stream.insert(hole)
                let fault = Double(faults.last ?? 0) / Double(max(1, stream.sampleRate))
                if jump.followsFault, fault > hole.place - Self.maximumFaultDistance { damaged.insert(hole.place) }
            }
        }
        while let (isReport, count) = child.read(into: buffer) {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if isReport {
                takeReport(bytes)
                continue
            }
            // What is said of these samples was said before they were written.
            while let said = child.readReport(into: reportBuffer) {
                takeReport(UnsafeRawBufferPointer(rebasing: reportBuffer[..<said]))
            }
            guard try stream.append(bytes) else { continue }
            if !isBegun {
                isBegun = true
                if let next = reading.afterTracks(report, language) { try need(next, &output) }
                meter = reading.meter(for: report)
                if let meter {
                    measured = DecoderOutput(measuring: meter)
                } else {
                    try announce(stream, report, own, &output)
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
            status: status, ranOutOfMemory: report.ranOutOfMemory, isHeard: isHeard)
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
        if start > 0 {
            try output.send(.warning("The first piece of the file is damaged; it was left out."))
        }
        if demuxer == "mov", !ignoresEdits, let left = MP4Header(file, track: reading.tracks[0])?.leftOut, left > 1 {
            try output.send(
                .warning(
                    "The file was cut to a part of its sound without the rest being taken out (\(TimeText.clock(seconds: left))); "
                        + "the rest was left out."))
        }
        let chain = demuxer == "ogg" ? OggChain(of: file, from: 0) : nil
        // Pages that are missing without any complaint.
        for place in chain?.holes ?? [] {
            let before = stream.inserted.reduce(0) { $1.place < place - $0 ? $0 + $1.length : $0 }
            faults.append(Int64((place - before) * Double(stream.sampleRate)))
            let near = stream.inserted.filter { abs($0.place - (place - before)) < 3 }
            damaged.formUnion(near.map(\.place))
        }
        let isTold = try tellHoles(
            in: stream, near: faults, damaged: holes.isEmpty ? damaged : nil, to: &output)
        if let chain, !chain.isFinished { try output.send(.warning(OggChain.cutOff)) }
        if !isTold, let place = chain?.holes.first {
            try output.send(
                .warning(
                    "The file is damaged at \(TimeText.clock(seconds: place)): a piece of the sound is missing there."))
        }
        // Near the end ffmpeg tells a time that is none.
        if let place = times.firstOddity, place < Double(stream.frameCount) / Double(stream.sampleRate) - 1 {
            try output.send(
                .warning(
                    "The times in the file jump at \(TimeText.clock(seconds: place)), where they cannot be right: the sound goes on "
                        + "there, and times behind it may be wrong."))
        }
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
        _ stream: borrowing AUStream, _ report: ExternalReport, _ own: DeclaredSound, _ output: inout DecoderOutput
    ) throws {
        output.track = reading.choice(report, language)?.selection(of: report.tracks)
        output.gainDecibels = reading.gainDecibels ?? 0
        let isMix = reading.tracks.count > 1
        let rate = isMix ? report.tracks.compactMap(\.rate).max() : nil
        let declared = report.declaredSeconds(own, of: reading.tracks)
        try output.announce(
            format, rate: rate ?? stream.sampleRate, channels: stream.channels,
            estimated: declared ?? (own == .open ? nil : report.seconds), declared: declared, trust: own.trust)
    }

    /// What a pass that only measures has left; that it is decided now changes nothing.
    private func finish(_ stream: inout AUStream, measuring measured: inout DecoderOutput) throws {
        do { try stream.finish(to: &measured) } catch is LevelMeter.Decided {}
    }

    /// Ends this run: the next one is to read the file like this.
    private func need(_ next: ExternalReading, _ output: inout DecoderOutput) throws -> Never {
        try output.send(.needsProgram(demuxer: argument, format: format, title: title, reading: next.encoded))
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

    /// What ffmpeg says of a packet is at most so far from what is missing, in seconds.
    private static let maximumFaultDistance = 10.0
    /// What ffmpeg may have written behind a fault before it told of it here: two fills of the pipe, its own buffer, and a
    /// block that waits to be mixed.
    private static let maximumLagBytes: Int64 = 256 << 10

    /// Tells of silence that stands for what is missing.
    /// - Parameters:
    ///   - stream: its stretches of silence count that have a fault beside them.
    ///   - damaged: where what was put in stands for a fault; nil: all of it does, by the numbers of its frames.
    /// - Returns: whether there was something to tell.
    private func tellHoles(
        in stream: borrowing AUStream, near faults: [Int64], damaged: Set<Double>?, to output: inout DecoderOutput
    ) throws -> Bool {
        let rate = Double(stream.sampleRate)
        // It comes a little before or behind what it makes of the packets around it.
        let tolerance = 3 * Int64(stream.sampleRate)
        let lag = Self.maximumLagBytes / Int64(4 * stream.channels)
        var pieces: [Range<Double>] = []
        for range in stream.zeros
        where faults.contains(where: { $0 > range.lowerBound - tolerance - lag && $0 < range.upperBound + tolerance }) {
            let start = Double(range.lowerBound) / rate
            let shift = stream.inserted.prefix { $0.place <= start }.reduce(0) { $0 + $1.length }
            pieces.append((start + shift)..<(Double(range.upperBound) / rate + shift))
        }
        var filled = 0.0
        for hole in stream.inserted {
            if damaged?.contains(hole.place) ?? true {
                pieces.append((hole.place + filled)..<(hole.place + filled + hole.length))
            }
            filled += hole.length
        }
        var loss = Loss()
        for piece in pieces.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            loss.add(from: piece.lowerBound, to: piece.upperBound)
        }
        try loss.tell(damaged == nil ? Loss.estimate : "", to: &output)
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
