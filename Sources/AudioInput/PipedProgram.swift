import CLinux
import Glibc
import SystemSupport

/// A program run by the decoder process, with its standard output and standard error as pipes; standard input is ours.
struct PipedProgram: ~Copyable {
    let process: pid_t
    private var output: CInt
    private var report: CInt

    /// What could not be had of its confinement, as a negative errno; 0 when it has all of it.
    let confinementStatus: CInt

    /// Starts it confined, and to be killed when this process ends; without environment. This process must have no other
    /// thread yet, and must not be confined itself.
    /// - Throws: `SystemError` when it cannot be started.
    init(_ path: String, _ commandLine: [String], _ confinement: Confinement) throws(SystemError) {
        let arguments: [UnsafeMutablePointer<CChar>?] = commandLine.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var started = clinux_confined_program()
        let status = confinement.withLimits(program: path) { clinux_run_confined($0, arguments, &started) }
        guard status == 0 else { throw SystemError("execve", path, negative: status) }
        process = started.process
        output = started.output
        report = started.report
        confinementStatus = started.confinement
    }

    // Without its readers the program ends at its next write, or by the limits it has inherited.
    deinit {
        if output >= 0 { close(output) }
        if report >= 0 { close(report) }
    }

    /// Waits for bytes of either pipe, what is reported first; nil when both have ended.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> (isReport: Bool, count: Int)? {
        while output >= 0 || report >= 0 {
            var polled = [
                pollfd(fd: report, events: Int16(POLLIN), revents: 0),
                pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&polled, 2, -1) < 0 {
                if errno == EINTR { continue }
                return nil
            }
            let isReport = polled[0].revents != 0
            let fd = isReport ? report : output
            let count = Glibc.read(fd, buffer.baseAddress, buffer.count)
            if count > 0 { return (isReport, count) }
            if count < 0, errno == EINTR { continue }
            close(fd)
            if isReport { report = -1 } else { output = -1 }
        }
        return nil
    }

    /// What is reported by now, without waiting; nil for nothing.
    mutating func readReport(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard report >= 0 else { return nil }
        var polled = pollfd(fd: report, events: Int16(POLLIN), revents: 0)
        guard poll(&polled, 1, 0) > 0, polled.revents & Int16(POLLIN) != 0 else { return nil }
        let count = Glibc.read(report, buffer.baseAddress, buffer.count)
        return count > 0 ? count : nil
    }

    /// The exit status, or the negative number of the signal that ended it.
    mutating func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { if errno != EINTR { return 255 } }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : -signal
    }
}
