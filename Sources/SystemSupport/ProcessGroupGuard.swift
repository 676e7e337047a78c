import Glibc
import SystemPackage

/// Ends a program and all that it started when this process is gone, whatever way it went: `kill -9` runs no clean-up,
/// and a parent-death signal would come when the thread that started the program ends.
///
/// The program is started through a shell that leaves a second one behind in the same process group. That one waits for
/// the end of a pipe whose other end only this process has, then removes the program's file and kills the group. While it
/// lives the group's number cannot be given to anybody else. It is no child of the program, which may wait for all it has.
final class ProcessGroupGuard: Sendable {
    static let shell: FilePath = "/bin/sh"

    /// `$1` is a file that is removed, or empty; then comes the program with its arguments.
    private static let script = """
        exec 3<&0 </dev/null
        ( (trap '' TERM; exec >/dev/null 2>&1; read -r end <&3; rm -f -- "$1"; kill -s KILL 0) & )
        shift
        exec 3<&-
        exec "$@"
        """

    /// The same, with the first line of the pipe as the program's standard input.
    private static let scriptWithInput = """
        exec 3<&0 </dev/null
        IFS= read -r input <&3 || exit 1
        ( (trap '' TERM; exec >/dev/null 2>&1; read -r end <&3; rm -f -- "$1"; kill -s KILL 0) & )
        shift
        exec 3<&-
        exec "$@" <<END_OF_INPUT
        $input
        END_OF_INPUT
        """

    /// What a pipe holds at least before somebody reads, with room to spare for the line's end.
    static let maximumInput = 32 << 10

    /// Standard input of the shell.
    let end: FileDescriptor
    private let hold: FileDescriptor
    private let isHeld = CancellationFlag()
    private let hasInput: Bool

    /// - Parameter input: one line without its end, of `maximumInput` bytes at most; nil: the program has no input.
    /// - Throws: `SystemError`.
    init(input: [UInt8]? = nil) throws {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("pipe", errno: Errno(rawValue: errno)) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (end, hold) = (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
        hasInput = input != nil
        guard let input else { return }
        // Nobody reads yet: where the pipe is smaller than usual, an error is better than waiting for ever.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        let line = input + [UInt8(ascii: "\n")]
        guard input.count <= Self.maximumInput, write(ends[1], line, line.count) == line.count else {
            throw SystemError("write", "a program's input", errno: .fileTooLarge)
        }
    }

    deinit {
        letGo()
        close(end.rawValue)
    }

    /// - Parameter file: nil: there is none to be removed.
    func arguments(for program: FilePath, file: FilePath?) -> [String] {
        ["-c", hasInput ? Self.scriptWithInput : Self.script, "parlograph-guard", file?.string ?? "", program.string]
    }

    /// Ends what the program left running.
    func letGo() {
        guard !isHeld.isSet else { return }
        isHeld.set()
        close(hold.rawValue)
    }
}
