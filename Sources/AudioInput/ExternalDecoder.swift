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
    /// The list of edits in the file is not believed.
    private let ignoresEdits: Bool
    /// What stands in front of this byte is left out.
    private let start: Int64

    /// Takes the four arguments of the decoder process.
    init?(_ arguments: [String]) {
        guard arguments.count == 4, arguments[0].hasPrefix("/") else { return nil }
        path = arguments[0]
        ignoresEdits = arguments[1].hasSuffix(Self.withoutEdits)
        let words = arguments[1].split(separator: "-").map(String.init)
        demuxer = words.first ?? ""
        start = words.count == 3 && words[1] == "from" ? Int64(words[2]) ?? 0 : 0
        guard demuxer.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }) else { return nil }
        format = arguments[2]
        title = arguments[3]
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
            path, "-nostdin", "-hide_banner", "-nostats", "-v", "level+info", "-threads", "1", "-protocol_whitelist",
            "file",
            "-f", demuxer,
        ] + (ignoresEdits ? ["-ignore_editlist", "1"] : []) + (start > 0 ? ["-skip_initial_bytes", "\(start)"] : []) + [
            "-i", "file:/proc/self/fd/0", "-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1",
            "-af", ContainerTimes.filter, "-c:a", "pcm_f32be", "-f", "au", "pipe:1",
        ]
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
        var times = ContainerTimes()
        var announced = false
        let own = DeclaredSound(of: file)
        let size = 256 << 10
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        let reportBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { reportBuffer.deallocate() }
        func takeReport(_ bytes: UnsafeRawBufferPointer) {
            let before = report.faultCount
            report.append(bytes)
            if report.faultCount > before, faults.count < 100_000 { faults.append(stream.frameCount) }
            for jump in report.takeJumps() {
                // The length of a file of fragments is what the times of these make it.
                let length = demuxer == "mov" && own == .unread ? nil : report.containerLength
                if let hole = times.take(jump.before, jump.after, containerLength: length) {
                    stream.insert(hole)
                }
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
            if !announced {
                announced = true
                let declared = report.declaredSeconds(own)
                try output.announce(
                    format, rate: stream.sampleRate, channels: stream.channels,
                    estimated: declared ?? (own == .open ? nil : report.seconds), declared: declared,
                    trust: own.trust)
            }
            try stream.drain(to: &output)
        }
        let status = child.wait()
        let isHeard = stream.hasPending || output.sampleCount > 0
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
            if report.mentionsReadError || !isHeard { try output.send(.doubt) }
        }
        try stream.finish(to: &output)
        guard output.sampleCount > 0 else { throw failure(report) }
        if stream.sawOppositeChannels {
            try output.send(
                .warning(
                    "The left and the right channel cancel each other out in places; there only the left was used."))
        }
        if start > 0 {
            try output.send(.warning("The first piece of the file is damaged; it was left out."))
        }
        if demuxer == "mov", !ignoresEdits, let left = MP4Header(file)?.leftOut, left > 1 {
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
        }
        let isTold = try tellHoles(
            in: stream.zeros, near: faults, stream.inserted, areCounted: !holes.isEmpty, rate: stream.sampleRate,
            to: &output)
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

    /// Tells of silence that stands for what is missing.
    /// - Parameters:
    ///   - zeros: stretches of silence, of which those count that have a fault beside them.
    ///   - inserted: what was put in here.
    ///   - areCounted: all of that stands for frames that are missing by their number; otherwise what has a fault beside it.
    /// - Returns: whether there was something to tell.
    private func tellHoles(
        in zeros: [Range<Int64>], near faults: [Int64], _ inserted: [ADTSDamage.Hole], areCounted: Bool, rate: Int,
        to output: inout DecoderOutput
    ) throws -> Bool {
        // What ffmpeg says of a packet comes a little before or behind what it makes of those around it.
        let tolerance = Int64(3 * rate)
        func hasFault(_ start: Int64, _ end: Int64) -> Bool {
            faults.contains { $0 > start - tolerance && $0 < end + tolerance }
        }
        var pieces: [Range<Double>] = []
        for range in zeros where hasFault(range.lowerBound, range.upperBound) {
            let start = Double(range.lowerBound) / Double(rate)
            let shift = inserted.prefix { $0.place <= start }.reduce(0) { $0 + $1.length }
            pieces.append((start + shift)..<(Double(range.upperBound) / Double(rate) + shift))
        }
        var filled = 0.0
        for hole in inserted {
            let place = Int64(hole.place * Double(rate))
            if areCounted || hasFault(place, place) {
                pieces.append((hole.place + filled)..<(hole.place + filled + hole.length))
            }
            filled += hole.length
        }
        var loss = Loss()
        for piece in pieces.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            loss.add(from: piece.lowerBound, to: piece.upperBound)
        }
        try loss.tell(areCounted ? Loss.estimate : "", to: &output)
        return !loss.isEmpty
    }

    private func failure(_ report: ExternalReport) -> DecodingFailure {
        if report.sawNoAudio {
            return DecodingFailure(.notARecording, "is \(title) without an audio track.")
        }
        let words = report.firstError ?? "no samples came out"
        let fault = report.fault ?? "damaged: nothing of it can be decoded"
        return DecodingFailure(.undecodable, "is \(title), but \(fault).", detail: "ffmpeg: \(words)")
    }
}
