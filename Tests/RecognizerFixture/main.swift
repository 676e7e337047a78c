import Engines
import Glibc

// The recognizer process by itself, for tests that need it without the service around it.
exit(RecognizerProcess.run(Array(CommandLine.arguments.dropFirst(2))))
