import AudioContainers
import CLinux
import Glibc
import Transcription

/// The decoder: what the hidden subcommand `parlograph __decode` does, in a process of its own.
///
/// Standard input is the recording, open for reading and seekable; standard output a pipe for `DecoderMessage`s.
/// Before the first byte of the recording is read the process gives up everything that decoding does not need.
package enum DecoderProcess {
    /// The first argument that leads here.
    package static let subcommand = "__decode"
    /// In front of the ending of the file's name, where that says how sound without a header is stored.
    static let nameArgument = "named"

    /// Half a minute of samples: the parent takes its time when it cuts a chunk. No more than a user without rights may have.
    private static let pipeBytes: CInt = 1 << 20

    /// Runs the decoder to its end.
    /// - Parameter arguments: those behind the subcommand: none, `nameArgument` and the ending of the file's name, or what
    ///   `ExternalDecoder` takes.
    /// - Returns: the exit status, 0 also for a recording that cannot be decoded: the message says so.
    package static func run(_ arguments: [String]) -> Int32 {
        if arguments.first == ConfinementTrial.argument { return ConfinementTrial.run(Array(arguments.dropFirst())) }
        // A closed pipe ends it as well, unless it is stopped or hangs. Whoever starts decoders does so from a thread that stays.
        _ = clinux_end_with_parent(getppid())
        signal(SIGPIPE, SIG_IGN)
        // Whoever stops the service with a signal to all its processes does not mean the recording: the service decides.
        for stop in [SIGTERM, SIGINT, SIGHUP] { signal(stop, SIG_IGN) }
        let program = ExternalDecoder(arguments)
        let fileExtension = arguments.count == 2 && arguments[0] == nameArgument ? arguments[1] : nil
        guard arguments.isEmpty || program != nil || fileExtension != nil else { return 64 }
        clinux_widen_pipe(1, pipeBytes)
        let file = FileBytes(descriptor: 0)
        var output = DecoderOutput(descriptor: 1, byteCount: file.size)
        do {
            do {
                if let program {
                    let child = try program.start(Confinement(byteCount: file.size, isForProgram: true))
                    try confine(file, to: &output)
                    try output.send(.program(child.process))
                    try note(child.confinementStatus, of: "ffmpeg", to: &output)
                    try program.decode(child, file, to: &output)
                } else {
                    try confine(file, to: &output)
                    try decode(file, fileExtension, to: &output)
                }
                try Interruption.check(file)
                guard output.sampleCount > 0 else {
                    throw DecodingFailure(.notARecording, "holds no audio that can be decoded.")
                }
                try output.tellEarlyEnd()
                try output.send(.end)
            } catch let failure as DecodingFailure {
                try Interruption.check(file)
                if let detail = failure.detail { try output.send(.debug(detail)) }
                try output.send(.failure(failure))
            }
            return 0
        } catch let interruption as Interruption {
            // Nothing more of what is inside comes out: the resampler's end would not be the recording's.
            try? output.send(interruption.message)
            return 0
        } catch {
            return 0  // the parent has closed the pipe and knows why
        }
    }

    private static func decode(_ file: FileBytes, _ fileExtension: String?, to output: inout DecoderOutput) throws {
        let format = try AudioFormatSniffer.sniff(file, fileExtension: fileExtension)
        if case .ffmpeg(let demuxer) = format.decoder {
            try needFFmpeg(
                ExternalDecoder.demuxer(demuxer, for: file), format, warning: format.warning, &output)
        }
        output.gainDecibels = try LevelPass.gainDecibels(format, of: file)
        do {
            try LibraryDecoding.decode(format, of: file, to: &output)
        } catch let failure as DecodingFailure where output.sampleCount == 0 && failure.code == .undecodable {
            try Interruption.check(file)
            guard let demuxer = ExternalDecoder.demuxer(forRejected: format.name) else { throw failure }
            try needFFmpeg(demuxer, format, &output)
        } catch let failure as DecodingFailure where output.sampleCount > 0 {
            try Interruption.check(file)
            try output.finishSamples()
            try output.send(
                .warning("Decoding stopped at \(TimeText.clock(seconds: output.seconds)): it \(failure.message)"))
        }
        if let warning = format.warning { try output.send(.warning(warning)) }
    }

    /// Ends this run: the next one begins with ffmpeg.
    private static func needFFmpeg(
        _ demuxer: String, _ format: AudioFormat, warning: String? = nil, _ output: inout DecoderOutput
    ) throws -> Never {
        try output.send(
            .needsProgram(
                demuxer: demuxer, format: format.name, title: format.title,
                reading: ExternalReading(warning: warning).encoded))
        throw DecoderOutput.Closed()
    }

    private static func confine(_ file: FileBytes, to output: inout DecoderOutput) throws {
        let status = Confinement(byteCount: file.size, isForProgram: false).apply()
        try note(status, of: "The decoder", to: &output)
    }

    private static func note(_ status: CInt, of process: String, to output: inout DecoderOutput) throws {
        guard status != 0 else { return }
        try output.send(.debug("\(process) runs without all of its limits (\(status))."))
    }
}
