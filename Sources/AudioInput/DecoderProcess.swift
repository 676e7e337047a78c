import AudioContainers
import CLinux
import Glibc

/// The decoder: what the hidden subcommand `parlograph __decode` does, in a process of its own.
///
/// Standard input is the recording, open for reading and seekable; standard output a pipe for `DecoderMessage`s.
/// Before the first byte of the recording is read the process gives up everything that decoding does not need.
package enum DecoderProcess {
    /// The first argument that leads here.
    package static let subcommand = "__decode"

    /// Half a minute of samples: the parent takes its time when it cuts a chunk. No more than a user without rights may have.
    private static let pipeBytes: CInt = 1 << 20

    /// Runs the decoder to its end.
    /// - Parameter arguments: those behind the subcommand: none, or the path of ffmpeg, its demuxer and the format's
    ///   name and title.
    /// - Returns: the exit status, 0 also for a recording that cannot be decoded: the message says so.
    package static func run(_ arguments: [String]) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        // Whoever stops the service with a signal to all its processes does not mean the recording: the service decides.
        for stop in [SIGTERM, SIGINT, SIGHUP] { signal(stop, SIG_IGN) }
        let program = arguments.count == 4 ? ExternalDecoder(arguments) : nil
        guard arguments.isEmpty || program != nil else { return 64 }
        clinux_widen_pipe(1, pipeBytes)
        let file = FileBytes(descriptor: 0)
        var output = DecoderOutput(descriptor: 1)
        do {
            let status = confine(to: program, byteCount: file.size)
            if status != 0 {
                try output.send(.debug("The decoder runs without all of its limits (\(status))."))
            }
            do {
                if let program {
                    try program.decode(file, to: &output)
                } else {
                    try decode(file, to: &output)
                }
                try checkReading(of: file)
                guard output.sampleCount > 0 else {
                    throw DecodingFailure(.notARecording, "holds no audio that can be decoded.")
                }
                try output.tellEarlyEnd()
                try output.send(.end)
            } catch let failure as DecodingFailure {
                try checkReading(of: file)
                try output.send(.failure(failure))
            }
            return 0
        } catch let interruption as Interruption {
            try? output.finishSamples()
            try? output.send(.interruption(interruption.cause))
            return 0
        } catch {
            return 0  // the parent has closed the pipe and knows why
        }
    }

    /// What a failing disk withholds looks like the end of the file, or like damage.
    private static func checkReading(of file: FileBytes) throws(Interruption) {
        guard let error = file.readError else { return }
        throw Interruption(cause: "reading the file failed: \(String(cString: strerror(error)))")
    }

    private static func decode(_ file: FileBytes, to output: inout DecoderOutput) throws {
        let format = try AudioFormatSniffer.sniff(file)
        if case .ffmpeg(let demuxer) = format.decoder {
            try output.send(.needsProgram(demuxer: demuxer, format: format.name, title: format.title))
            throw DecoderOutput.Closed()
        }
        do {
            try LibraryDecoding.decode(format, of: file, to: &output)
        } catch let failure as DecodingFailure where output.sampleCount == 0 && failure.code == .undecodable {
            guard let demuxer = ExternalDecoder.demuxer(forRejected: format.name) else { throw failure }
            try output.send(.needsProgram(demuxer: demuxer, format: format.name, title: format.title))
            throw DecoderOutput.Closed()
        } catch let failure as DecodingFailure where output.sampleCount > 0 {
            try output.finishSamples()
            try output.send(.warning("Decoding stopped at \(SpokenTime.clock(output.seconds)): it \(failure.message)"))
        }
        if let warning = format.warning { try output.send(.warning(warning)) }
    }

    /// 0, or what `clinux_sandbox` says; the limits fit any honest recording many times over.
    private static func confine(to program: ExternalDecoder?, byteCount: Int64) -> CInt {
        var limits = clinux_sandbox_limits()
        // Address space under a sanitizer is counted in terabytes.
        let isSanitized = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
        limits.address_space_bytes = isSanitized ? 0 : program == nil ? 1 << 30 : 2 << 30
        limits.cpu_seconds = 600 + UInt64(max(0, byteCount)) / 5_000
        limits.open_files = 64
        guard let program else { return clinux_sandbox(&limits) }
        return program.folder.withCString {
            limits.program_directory = $0
            return clinux_sandbox(&limits)
        }
    }
}

/// Decoding was ended by something that is no property of the file: nothing can be said about it.
struct Interruption: Error {
    /// A few words, for a sentence in which they stand in parentheses.
    let cause: String
}
