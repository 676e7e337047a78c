import ArgumentParser
import AudioInput
import Glibc
import SystemSupport

/// The way into the program.
package enum Entrance {
    /// The hidden first argument that makes this process a decoder (see `DecoderProcess`).
    private static let decoderArgument = DecoderProcess.subcommand

    /// Runs the command line; does not return.
    package static func run() async -> Never {
        if CommandLine.arguments.dropFirst().first == decoderArgument {
            exit(DecoderProcess.run(Array(CommandLine.arguments.dropFirst(2))))
        }
        signal(SIGPIPE, SIG_IGN)
        FileLease.ignoreBreakSignal()
        MemoryTuning.apply()
        await ParlographCommand.main()
        exit(0)
    }
}
