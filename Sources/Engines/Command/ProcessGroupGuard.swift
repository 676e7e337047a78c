import Glibc
import SystemPackage
import SystemSupport

/// Ends a program and all that it started when this process is gone, whatever way it went: `kill -9` runs no clean-up,
/// and a parent-death signal would come when the thread that started the program ends.
///
/// The program is started through a shell that leaves a second one behind in the same process group. That one waits for
/// the end of a pipe whose other end only this process has, then removes the program's file and kills the group. While it
/// lives the group's number cannot be given to anybody else. It is no child of the program, which may wait for all it has.
final class ProcessGroupGuard: Sendable {
    static let shell: FilePath = "/bin/sh"

    /// `$1` is the file, then comes the program with its arguments.
    private static let script = """
        exec 3<&0 </dev/null
        ( (trap '' TERM; exec >/dev/null 2>&1; read -r end <&3; rm -f -- "$1"; kill -s KILL 0) & )
        shift
        exec 3<&-
        exec "$@"
        """

    /// Standard input of the shell.
    let end: FileDescriptor
    private let hold: FileDescriptor
    private let isHeld = CancellationFlag()

    init() throws {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("pipe", errno: Errno(rawValue: errno)) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (end, hold) = (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }

    deinit {
        letGo()
        close(end.rawValue)
    }

    func arguments(for program: FilePath, file: FilePath) -> [String] {
        ["-c", Self.script, "parlograph-guard", file.string, program.string]
    }

    /// Ends what the program left running.
    func letGo() {
        guard !isHeld.isSet else { return }
        isHeld.set()
        close(hold.rawValue)
    }
}
