import ArgumentParser
import AudioInput
import Engines
import Glibc
import SystemSupport

/// The way into the program.
package enum EntryPoint {
    /// The hidden first argument that makes this process a decoder (see `DecoderProcess`).
    private static let decoderArgument = DecoderProcess.subcommand

    /// A caller may have closed some of the three (`serve <&- >&-`); the next file opened would take their place and get
    /// our log lines.
    private static func openStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY)
        }
    }

    /// Runs the command line; does not return.
    package static func run() async -> Never {
        if CommandLine.arguments.dropFirst().first == decoderArgument {
            exit(DecoderProcess.run(Array(CommandLine.arguments.dropFirst(2))))
        }
        if CommandLine.arguments.dropFirst().first == RecognizerProcess.subcommand {
            exit(RecognizerProcess.run(Array(CommandLine.arguments.dropFirst(2))))
        }
        if CommandLine.arguments.dropFirst().elementsEqual([TOMLPreflight.subcommand]) { exit(TOMLPreflight.run()) }
        openStandardDescriptors()
        signal(SIGPIPE, SIG_IGN)
        // A limit on file sizes is a write that fails, not the end of the service.
        signal(SIGXFSZ, SIG_IGN)
        FileLease.ignoreBreakSignal()
        MemoryTuning.apply()
        await runCommand()
        exit(0)
    }

    private static func requireAddressSpace() throws {
        guard let limit = AddressSpace.shortage else { return }
        Exit.say(
            "parlograph: This process may use only \(ByteCount.text(Int64(limit))) of address space; it needs "
                + "\(ByteCount.text(Int64(AddressSpace.minimumBytes))): raise the limit (ulimit -v), or limit its memory by a "
                + "control group (MemoryMax= of systemd).")
        throw ExitCode(.unavailable)
    }

    /// As ArgumentParser's `main` does it, but that what is quoted of the arguments drives no terminal.
    private static func runCommand() async {
        do {
            var command = try await ParlographCommand.asyncParseAsRoot()
            if command is ServeCommand || command is TranscribeCommand { try requireAddressSpace() }
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch {
            let status = ParlographCommand.exitCode(for: error)
            guard status != .success else { ParlographCommand.exit(withError: error) }
            let message = ParlographCommand.fullMessage(for: error)
            if !message.isEmpty { StandardError.write(message.printableLines + "\n") }
            if let hint = CommandHint.text(for: Array(CommandLine.arguments.dropFirst())) {
                StandardError.write(hint.printable + "\n")
            }
            exit(status.rawValue)
        }
    }
}
