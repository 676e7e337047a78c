import AudioInput
import Glibc

// The decoder process by itself, for tests that need it without the service around it.
exit(DecoderProcess.run(Array(CommandLine.arguments.dropFirst(2))))
