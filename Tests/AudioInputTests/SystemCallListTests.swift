import CLinux
import Glibc
import Testing

/// The filters themselves, run by hand: the lists of both architectures on one machine.
@Suite struct SystemCallListTests {
    private static let x86: UInt32 = 0xC000_003E
    private static let arm: UInt32 = 0xC000_00B7

    /// What every decoder may call whatever the arguments; each architecture has those that it has.
    private static let always: Set<String> = [
        "brk", "munmap", "mremap", "madvise", "read", "readv", "pread64", "write", "writev", "close", "poll", "ppoll",
        "futex", "set_robust_list", "rseq", "gettid", "sched_yield", "sched_getaffinity", "exit", "exit_group",
        "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "getpid", "clock_gettime",
        "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep", "sysinfo", "getrandom",
    ]
    private static let decoder: Set<String> = ["wait4", "waitid"]
    private static let program: Set<String> = [
        "arch_prctl", "set_tid_address", "getuid", "geteuid", "getgid", "getegid", "uname", "readlink", "readlinkat",
        "stat", "lstat", "fstat", "newfstatat", "statx", "lseek", "dup", "getrusage",
    ]

    @Test(arguments: [x86, arm], [CLINUX_DECODER.rawValue, CLINUX_PROGRAM.rawValue])
    func nothingElseIsAllowed(architecture: UInt32, list: UInt32) throws {
        let filter = try SystemCallFilter(clinux_system_calls(list), architecture)
        let odd = [UInt64](repeating: .max, count: 6)
        var allowed: Set<String> = []
        for number in 0..<1024 where filter.allows(number, odd) {
            allowed.insert(try #require(filter.name(of: number)))
        }
        let wanted = Self.always.union(list == CLINUX_DECODER.rawValue ? Self.decoder : Self.program)
        let existing = wanted.filter { filter.number(of: $0) != nil }
        #expect(allowed == existing)
        #expect(existing.count > 30)
    }

    @Test(arguments: [x86, arm])
    func argumentsDecide(architecture: UInt32) throws {
        for list in [CLINUX_DECODER, CLINUX_PROGRAM] {
            let filter = try SystemCallFilter(list, architecture)
            let isProgram = list == CLINUX_PROGRAM
            let thread: UInt64 = 0x3D_0F00
            let cases: [(String, [UInt64], Bool)] = [
                ("kill", [1234, 6], true), ("kill", [1, 0], false), ("kill", [0, 9], false),
                ("kill", [.max, 9], false),
                ("tgkill", [1234, 7, 6], true), ("tgkill", [7, 7, 6], false), ("tkill", [1234, 6], false),
                ("clone", [thread], true), ("clone", [thread | 0x40_0000], true), ("clone", [17], false),
                ("clone", [thread | 0x1000_0000], false), ("clone", [thread & ~0x1_0000], false),
                ("clone3", [0, 88], false),
                ("mmap", [0, 4096, 3, 34], true), ("mmap", [0, 4096, 7, 34], false),
                ("mmap", [0, 4096, 5, 2], isProgram),
                ("mprotect", [0, 4096, 1], true), ("mprotect", [0, 4096, 5], false),
                ("prlimit64", [0, 7, 0, 1], true), ("prlimit64", [1, 7, 0, 1], false),
                ("prlimit64", [0, 7, 1, 0], false),
                ("prctl", [15], true), ("prctl", [1], false), ("prctl", [4], false), ("prctl", [22], false),
                ("prctl", [23], isProgram),
                ("openat", [.max - 99, 1, 0], isProgram), ("openat", [.max - 99, 1, 0o2000000], isProgram),
                ("openat", [.max - 99, 1, 1], false), ("openat", [.max - 99, 1, 2], false),
                ("openat", [.max - 99, 1, 0o1000], false), ("openat", [.max - 99, 1, 0o100], false),
                ("fcntl", [3, 2, 1], isProgram), ("fcntl", [3, 8, 1], false), ("fcntl", [3, 1024, 0], false),
                ("ioctl", [1, 0x5401], isProgram), ("ioctl", [1, 0x5412], false), ("execve", [1, 2, 3], false),
            ]
            for (name, arguments, isAllowed) in cases {
                let number = try #require(filter.number(of: name))
                #expect(
                    filter.allows(number, arguments) == isAllowed,
                    "\(name) \(arguments), \(isProgram ? "ffmpeg" : "decoder")")
            }
        }
    }

    /// Libraries ask whether there is something newer, and fall back when there is not; files they go on without.
    @Test(arguments: [x86, arm])
    func whatIsOnNoListDoesNotExist(architecture: UInt32) throws {
        let filter = try SystemCallFilter(CLINUX_DECODER, architecture)
        for number in [filter.number(of: "clone3"), filter.number(of: "socket"), 999] {
            #expect(filter.action(try #require(number), []) == .errno(ENOSYS))
        }
        #expect(filter.action(try #require(filter.number(of: "openat")), []) == .errno(EACCES))
    }

    @Test func anotherArchitectureEndsTheProcess() throws {
        let filter = try SystemCallFilter(CLINUX_DECODER, Self.x86)
        #expect(filter.action(1, [], architecture: 0x4000_0003) == .killProcess)
        #expect(filter.action(0x4000_0001, []) == .killProcess)
    }
}

/// A seccomp filter as the kernel would run it: the instructions of classic BPF that such filters have.
private struct SystemCallFilter {
    enum Action: Equatable {
        case allow, killProcess, other(UInt32)
        case errno(Int32)
    }

    private var instructions: [Instruction] = []
    private let architecture: UInt32

    private struct Instruction {
        let code: UInt16
        let whenTrue: UInt8
        let whenFalse: UInt8
        let k: UInt32
    }

    init(_ list: clinux_system_calls, _ architecture: UInt32) throws {
        self.architecture = architecture
        let file = clinux_memory_file()
        defer { close(file) }
        try #require(clinux_export_filter(list, architecture, 1234, file) == 0)
        lseek(file, 0, SEEK_SET)
        var word = [UInt8](repeating: 0, count: 8)
        while read(file, &word, 8) == 8 {
            word.withUnsafeBytes {
                instructions.append(
                    Instruction(
                        code: $0.loadUnaligned(as: UInt16.self), whenTrue: $0[2], whenFalse: $0[3],
                        k: $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            }
        }
    }

    func name(of number: Int) -> String? {
        guard let text = clinux_system_call_name(architecture, CInt(number)) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    func number(of name: String) -> Int? { (0..<1024).first { self.name(of: $0) == name } }

    func allows(_ number: Int, _ arguments: [UInt64]) -> Bool { action(number, arguments) == .allow }

    func action(_ number: Int, _ arguments: [UInt64], architecture: UInt32? = nil) -> Action {
        var data: [UInt32] = [UInt32(truncatingIfNeeded: number), architecture ?? self.architecture, 0, 0]
        for i in 0..<6 {
            let value = i < arguments.count ? arguments[i] : 0
            data += [UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32)]
        }
        var accumulator: UInt32 = 0
        var at = 0
        while at < instructions.count {
            let step = instructions[at]
            at += 1
            switch step.code {
            case 0x20: accumulator = data[Int(step.k) / 4]
            case 0x54: accumulator &= step.k
            case 0x05: at += Int(step.k)
            case 0x15: at += Int(accumulator == step.k ? step.whenTrue : step.whenFalse)
            case 0x25: at += Int(accumulator > step.k ? step.whenTrue : step.whenFalse)
            case 0x35: at += Int(accumulator >= step.k ? step.whenTrue : step.whenFalse)
            case 0x45: at += Int(accumulator & step.k != 0 ? step.whenTrue : step.whenFalse)
            case 0x06: return Self.action(step.k)
            default: return .other(UInt32(step.code))
            }
        }
        return .other(0)
    }

    private static func action(_ value: UInt32) -> Action {
        switch value & 0xFFFF_0000 {
        case 0x7FFF_0000: .allow
        case 0x8000_0000: .killProcess
        case 0x0005_0000: .errno(Int32(value & 0xFFFF))
        default: .other(value)
        }
    }
}
