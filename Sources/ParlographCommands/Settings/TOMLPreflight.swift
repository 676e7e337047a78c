import Glibc
package import SystemPackage
import SystemSupport
import TOMLKit

/// Lets another process read a TOML text first: toml++, the library behind TOMLKit, ends its process by an assertion at
/// some texts that are no TOML (`[.`, `a = ,`), and what an office user writes into a folder must not end the service.
package enum TOMLPreflight {
    /// The hidden first argument of that process: this program again.
    static let subcommand = "__toml"
    /// Seconds of processor time; an honest text takes milliseconds.
    private static let maximumSeconds: rlim_t = 10
    /// Seconds; the machine may be busy. The process ends itself then, should this one be gone.
    private static let maximumWait: UInt32 = 60
    /// A process that was ended from outside says nothing of the text: another one is asked.
    private static let maximumAttempts = 3

    /// What the other process does: reads standard input and ends with 0 if the library comes to an end, well or not.
    static func run() -> Int32 {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        var short = rlimit(rlim_cur: maximumSeconds, rlim_max: maximumSeconds + 1)
        setrlimit(__rlimit_resource_t(RLIMIT_CPU.rawValue), &short)
        alarm(maximumWait)
        guard
            let bytes = try? SmallFile.read(FileDescriptor(rawValue: STDIN_FILENO), named: "input", limit: 1 << 20),
            let text = String(validating: bytes, as: UTF8.self)
        else { return 65 }
        _ = try? TOMLTable(string: text)
        return 0
    }

    /// Blocks for some ten milliseconds.
    /// - Parameters:
    ///   - name: of the file, for the error.
    ///   - executable: the other process, which gets `__toml` as its argument and the text as its standard input; default is
    ///     this program.
    /// - Throws: `ConfigurationFault` with the number of the line at which the library gives up, or which is nested too deeply.
    ///   The line itself may hold a key, and what is said here is told to many.
    package static func check(_ text: String, name: String, executable: FilePath = "/proc/self/exe") throws {
        try ConfigurationText.checkNesting(of: text, name: name)
        guard try !passes(text, name, executable) else { return }
        // Fewer lines than up to the faulty one do no harm.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var (good, bad) = (0, lines.count)
        while bad - good > 1 {
            let middle = (good + bad) / 2
            if try passes(lines[..<middle].joined(separator: "\n"), name, executable) {
                good = middle
            } else {
                bad = middle
            }
        }
        throw ConfigurationFault("\(name), line \(bad): this is not TOML.")
    }

    private static func passes(_ text: String, _ name: String, _ executable: FilePath) throws -> Bool {
        var signal: Int32 = 0
        for _ in 0..<maximumAttempts {
            signal = try endingSignal(reading: text, name, executable)
            if signal == 0 { return true }
            if ownFaults.contains(signal) { return false }
        }
        throw ConfigurationFault(
            "\(name) cannot be looked at now: the process that reads it is ended by signal \(signal) each time.")
    }

    /// What a process brings upon itself.
    private static let ownFaults: Set<Int32> = [SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGXCPU]

    /// - Returns: the signal that ended the other process; 0: it came to its end.
    private static func endingSignal(
        reading text: String, _ name: String, _ executable: FilePath
    ) throws -> Int32 {
        let input = try SmallFile.inMemory(Array(text.utf8))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.descriptor.rawValue, STDIN_FILENO)
        for output in [STDOUT_FILENO, STDERR_FILENO] {
            posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
        }
        // The threads of a pool block all signals; the alarm must come through.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // A signal to the service's process group is none to this one.
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        var process: pid_t = 0
        let arguments = [strdup("parlograph"), strdup(subcommand), nil]
        let environment = [strdup("SWIFT_BACKTRACE=enable=no"), nil]
        defer { for text in arguments + environment { free(text) } }
        let error = executable.withPlatformString {
            posix_spawn(&process, $0, &actions, &attributes, arguments, environment)
        }
        guard error == 0 else { throw fault(name, error) }
        guard let status = try ChildEnd.status(of: process, within: .seconds(Int(maximumWait))) else {
            throw ConfigurationFault(
                "\(name) cannot be looked at now: the process that reads it has not ended after \(maximumWait) s.")
        }
        return status & 0x7F
    }

    private static func fault(_ name: String, _ error: Int32) -> ConfigurationFault {
        ConfigurationFault("\(name) cannot be looked at: \(Errno(rawValue: error)).")
    }
}
