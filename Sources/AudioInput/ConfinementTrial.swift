import CLinux
import Glibc

/// Confines this process as decoders are, tries everything that they must not do, and prints what came of it: what
/// `parlograph check` tells of, and what the tests hold the built program to.
enum ConfinementTrial {
    /// The first argument of the decoder process that leads here.
    static let argument = "try"

    /// A system call that must be refused.
    private struct Attempt {
        let title: String
        let call: String
        var arguments: [Int]
        /// How a limit answers, where it is a limit that refuses.
        var refusal: CInt?
    }

    /// Runs to the end and prints a line for each attempt, `TITLE: refused` or `TITLE: allowed`.
    /// - Parameter arguments: `decoder` or `ffmpeg`: whose confinement; then perhaps `i386` or `x32`, for a single call
    ///   by that interface of the kernel, after which nothing must come.
    /// - Returns: the exit status: 0 when all were refused, 1 when some were not, 2 when the confinement cannot be had,
    ///   64 for other arguments.
    static func run(_ arguments: [String]) -> Int32 {
        guard let name = arguments.first, name == "decoder" || name == "ffmpeg" else { return 64 }
        let isProgram = name == "ffmpeg"
        let confinement = Confinement(byteCount: 0, isForProgram: isProgram)
        let attempts = attempts(isProgram: isProgram)
        guard confinement.withLimits(program: isProgram ? "/usr/bin/ffmpeg" : nil, { clinux_confine($0) }) == 0 else {
            return 2
        }
        if arguments.count > 1 {
            print("\(arguments[1]): allowed", clinux_foreign_system_call(arguments[1] == "x32" ? 1 : 0))
            return 1
        }
        var allowed = 0
        for attempt in attempts {
            let isRefused = isRefused(attempt)
            if !isRefused { allowed += 1 }
            print("\(attempt.title): \(isRefused ? "refused" : "allowed")")
        }
        if !refusesCoreFiles { allowed += 1 }
        print("a core file: \(refusesCoreFiles ? "refused" : "allowed")")
        return allowed == 0 ? 0 : 1
    }

    private static func isRefused(_ attempt: Attempt) -> Bool {
        let result = clinux_system_call(clinux_system_call_number(attempt.call), attempt.arguments)
        // The child that should not be.
        if result == 0, ["fork", "vfork", "clone", "clone3"].contains(attempt.call) { _exit(0) }
        if let refusal = attempt.refusal { return result == -Int(refusal) }
        return [-Int(ENOSYS), -Int(EPERM), -Int(EACCES)].contains(result)
    }

    /// What lies in memory when a decoder breaks down is somebody's recording: it goes to no file, whatever is asked for.
    private static var refusesCoreFiles: Bool {
        var limit = rlimit(rlim_cur: 1, rlim_max: 1)
        return getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 && limit.rlim_max == 0
    }

    // MARK: What is tried

    private static func attempts(isProgram: Bool) -> [Attempt] {
        let names = everywhere + (isProgram ? [] : inDecoder)
        // Arguments that make no sense: what is not refused fails in another way and does nothing.
        return names.map { Attempt(title: $0, call: $0, arguments: [-1, -1, -1, -1, -1, -1]) }
            + signals + processes + files(isProgram: isProgram) + resources(isProgram: isProgram)
    }

    private static func attempt(_ title: String, _ call: String, _ arguments: Int..., refusal: CInt? = nil) -> Attempt {
        let missing = [Int](repeating: 0, count: 6 - arguments.count)
        return Attempt(title: title, call: call, arguments: arguments + missing, refusal: refusal)
    }

    private static let everywhere = [
        // Signals, other processes, namespaces.
        "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal", "pidfd_getfd", "ptrace",
        "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "fork", "vfork", "clone3", "execveat",
        "setns",
        "unshare", "setsid", "setpgid", "personality",
        // Files and their attributes.
        "openat2", "creat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat",
        "symlink",
        "symlinkat", "mkdir", "mkdirat", "mknod", "mknodat", "truncate", "ftruncate", "fallocate", "chmod", "fchmod",
        "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr",
        "removexattr", "lremovexattr", "fremovexattr", "utime", "utimes", "futimesat", "utimensat", "flock", "sendfile",
        "splice", "copy_file_range", "open_by_handle_at", "chdir", "fchdir", "chroot", "pivot_root", "mount", "umount2",
        "inotify_init1", "fanotify_init", "memfd_create", "pwrite64", "pwritev",
        // Clocks, priorities, limits.
        "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "setpriority", "sched_setaffinity",
        "sched_setscheduler", "sched_setparam", "sched_setattr", "ioprio_set", "setrlimit",
        // Memory that others see, and where memory lies.
        "shmget", "shmat", "shmctl", "semget", "semop", "semctl", "msgget", "msgsnd", "msgctl", "mbind",
        "set_mempolicy",
        "migrate_pages", "move_pages", "mlock", "mlockall", "pkey_mprotect",
        // The network.
        "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "recvfrom",
        // The kernel.
        "setuid", "setgid", "setresuid", "setgroups", "capset", "keyctl", "add_key", "request_key", "bpf",
        "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "seccomp", "landlock_create_ruleset",
        "init_module", "finit_module", "delete_module", "kexec_load", "reboot", "swapon", "sethostname", "acct",
        "quotactl",
        "syslog", "vmsplice", "timer_create", "setitimer",
    ]

    private static let inDecoder = [
        "execve", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
        "getdents64", "statfs", "fstatfs", "getxattr", "getcwd", "name_to_handle_at", "fcntl", "ioctl", "pipe2", "dup",
        "dup2",
    ]

    private static var signals: [Attempt] {
        let parent = Int(getppid())
        return [
            attempt("kill the parent", "kill", parent, 0), attempt("kill the group", "kill", 0, 0),
            attempt("kill everyone", "kill", -1, 0), attempt("tgkill the parent", "tgkill", parent, parent, 0),
        ]
    }

    private static var processes: [Attempt] {
        let thread = 0x3D_0F00
        return [
            attempt("clone a process", "clone", Int(SIGCHLD)),
            attempt("clone as vfork", "clone", 0x4100 | Int(SIGCHLD)),
            attempt("clone into a user namespace", "clone", 0x1000_0000 | Int(SIGCHLD)),
            attempt("clone a thread into a namespace", "clone", thread | 0x2000_0000),
            attempt("prctl: dumpable", "prctl", 4, 1),
            attempt("prctl: no death with the parent", "prctl", 1, 0),
            attempt("limits of the parent", "prlimit64", Int(getppid()), Int(RLIMIT_NOFILE.rawValue), 0, -1),
            attempt("new limits", "prlimit64", 0, Int(RLIMIT_NOFILE.rawValue), -1, 0),
        ]
    }

    private static func files(isProgram: Bool) -> [Attempt] {
        let path = Int(bitPattern: strdup("/etc/passwd"))
        let folder = Int(bitPattern: strdup("/tmp"))
        let here = Int(AT_FDCWD)
        let opening = [
            ("read", path, O_RDONLY), ("write", path, O_WRONLY), ("read and write", path, O_RDWR),
            ("truncate", path, O_RDONLY | O_TRUNC), ("create", path, O_RDONLY | O_CREAT),
            ("a nameless file", folder, O_WRONLY | 0o20_200000),
        ]
        let attempts = opening.flatMap { title, path, flags in
            [
                attempt("openat: \(title)", "openat", here, path, Int(flags), 0o600),
                attempt("open: \(title)", "open", path, Int(flags), 0o600),
            ]
        }
        guard isProgram else { return attempts }
        return attempts + [
            attempt("execve", "execve", path),
            attempt("fcntl: signals of a file", "fcntl", 0, Int(F_SETOWN), Int(getppid())),
            attempt("fcntl: another signal", "fcntl", 0, 10, Int(SIGKILL)),
            attempt("fcntl: a lease", "fcntl", 0, 1024, Int(F_RDLCK)),
            attempt("fcntl: a lock", "fcntl", 0, Int(F_SETLK), -1),
            attempt("fcntl: status flags", "fcntl", 0, Int(F_SETFL), 0o20000),
            attempt("ioctl: input for a terminal", "ioctl", 0, 0x5412, -1),
            attempt("ioctl: signals of a file", "ioctl", 0, 0x5452, -1),
        ]
    }

    private static func resources(isProgram: Bool) -> [Attempt] {
        let anonymous = Int(MAP_PRIVATE) | Int(MAP_ANONYMOUS)
        let data = Int(PROT_READ | PROT_WRITE)
        let page = Int(bitPattern: mmap(nil, 4096, CInt(data), CInt(anonymous), -1, 0))
        return [
            attempt("mmap: code that can be written", "mmap", 0, 4096, data | Int(PROT_EXEC), anonymous, -1, 0),
            attempt("mprotect: data made code", "mprotect", page, 4096, Int(PROT_READ | PROT_EXEC)),
            attempt(
                "mmap: more memory than the limit", "mmap", 0, isProgram ? 2 << 30 : 1 << 30, data, anonymous, -1, 0,
                refusal: ENOMEM),
            attempt("ppoll: more open files than the limit", "ppoll", page, 65, refusal: EINVAL),
        ]
    }
}
