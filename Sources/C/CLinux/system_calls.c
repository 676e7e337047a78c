#define _GNU_SOURCE
#include "system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

// Measured over some 340 files with libsndfile 1.2.0, libmpg123 1.31.2, libsoxr 0.1.3 and ffmpeg 5.1 (see the decision).
// Names, not numbers: an architecture that lacks one (poll on aarch64) or a libseccomp that does not know it passes it
// over, so that each call stands here with its predecessors and successors.
static const char *const always[] = {
    // Memory; mmap and mprotect are below.
    "brk", "munmap", "mremap", "madvise",
    // What is open already.
    "read", "readv", "pread64", "write", "writev", "close", "poll", "ppoll",
    // Threads.
    "futex", "set_robust_list", "rseq", "gettid", "sched_yield", "sched_getaffinity", "exit", "exit_group",
    // Signals: how they are dealt with, not sending them.
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "getpid",
    // Clocks, where the vDSO has none; qsort asks for the size of memory.
    "clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep", "sysinfo", "getrandom",
    NULL};
static const char *const decoder_only[] = {"wait4", "waitid", NULL};
static const char *const program_only[] = {
    // The loader and the libraries' own beginnings.
    "arch_prctl", "set_tid_address", "getuid", "geteuid", "getgid", "getegid", "uname", "readlink", "readlinkat",
    // seccomp cannot see which path is meant, and the loader takes a folder that it cannot look at for missing.
    "stat", "lstat", "fstat", "newfstatat", "statx",
    "lseek", "dup", "getrusage", NULL};

// A call with other arguments than these is refused as if it were not on the list.
typedef struct {
    const char *name;
    unsigned count;
    struct scmp_arg_cmp arguments[2];
} condition;

#define WHEN(...) sizeof((struct scmp_arg_cmp[]){__VA_ARGS__}) / sizeof(struct scmp_arg_cmp), {__VA_ARGS__}
#define NONE_OF(argument, bits) {argument, SCMP_CMP_MASKED_EQ, bits, 0}
#define IS(argument, value) {argument, SCMP_CMP_EQ, value, 0}

// pthread_create's, of glibc and (CLONE_DETACHED) of musl. Any other flag, above all those of namespaces, is another call;
// clone3 hides its flags in memory and is not on the list, so that glibc takes clone.
enum {
    thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS |
                   CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID
};
#define ALL_FLAGS_BUT_DETACHED (~(scmp_datum_t)CLONE_DETACHED)
// O_RDONLY is no bit; O_TRUNC would work with it. O_TMPFILE without the O_DIRECTORY in it.
#define WRITING_FLAGS (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

static int add_each(scmp_filter_ctx filter, uint32_t action, const char *const names[]) {
    int status = 0;
    for (size_t i = 0; names[i] != NULL && status == 0; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number != __NR_SCMP_ERROR) status = seccomp_rule_add(filter, action, number, 0);
    }
    return status;
}

static int add_conditions(scmp_filter_ctx filter, const condition conditions[], size_t count) {
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        int number = seccomp_syscall_resolve_name(conditions[i].name);
        if (number == __NR_SCMP_ERROR) continue;
        status = seccomp_rule_add_array(
            filter, SCMP_ACT_ALLOW, number, conditions[i].count, conditions[i].arguments);
    }
    return status;
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int add_common(scmp_filter_ctx filter, pid_t process) {
    const scmp_datum_t self = (scmp_datum_t)process;
    const condition conditions[] = {
        {"mmap", WHEN(NONE_OF(2, PROT_EXEC))},
        {"mprotect", WHEN(NONE_OF(2, PROT_EXEC))},
        {"clone", WHEN({0, SCMP_CMP_MASKED_EQ, ALL_FLAGS_BUT_DETACHED, thread_flags})},
        {"prctl", WHEN(IS(0, PR_SET_NAME))},
        {"prlimit64", WHEN(IS(0, 0), IS(2, 0))},
        {"kill", WHEN(IS(0, self))},
        {"tgkill", WHEN(IS(0, self))},
    };
    int status = add_each(filter, SCMP_ACT_ALLOW, always);
    return status != 0 ? status : add_conditions(filter, conditions, COUNT(conditions));
}

static int add_for_decoder(scmp_filter_ctx filter) {
    // Some libraries ask for a file and go on without it; this is the answer that they know.
    const char *const opening[] = {"open", "openat", NULL};
    int status = add_each(filter, SCMP_ACT_ALLOW, decoder_only);
    return status != 0 ? status : add_each(filter, SCMP_ACT_ERRNO(EACCES), opening);
}

static int add_for_program(scmp_filter_ctx filter, const char *program) {
    const condition conditions[] = {
        {"mmap", WHEN({2, SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC})},
        {"open", WHEN(NONE_OF(1, WRITING_FLAGS))},
        {"openat", WHEN(NONE_OF(2, WRITING_FLAGS))},
        {"fcntl", WHEN(IS(1, F_DUPFD))},
        {"fcntl", WHEN(IS(1, F_DUPFD_CLOEXEC))},
        {"fcntl", WHEN(IS(1, F_GETFD))},
        {"fcntl", WHEN(IS(1, F_SETFD))},
        {"fcntl", WHEN(IS(1, F_GETFL))},
        {"ioctl", WHEN(IS(1, TCGETS))},
        {"prctl", WHEN(IS(0, PR_CAPBSET_READ))},
        {"execve", WHEN(IS(0, (scmp_datum_t)(uintptr_t)program))},
    };
    int status = add_each(filter, SCMP_ACT_ALLOW, program_only);
    return status != 0 ? status : add_conditions(filter, conditions, COUNT(conditions));
}

int clinux_make_filter(
    scmp_filter_ctx *made, clinux_system_calls list, uint32_t architecture, pid_t process, const char *program) {
    // What is on no list does not exist, as on an older kernel: libraries that try what is new are prepared for that, and
    // for EPERM they are not (glibc and clone3, faccessat2).
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL) return -ENOMEM;
    int status = 0;
    if (architecture != 0 && architecture != seccomp_arch_native()) {
        status = seccomp_arch_add(filter, architecture);
        if (status == 0) status = seccomp_arch_remove(filter, seccomp_arch_native());
    }
    // Another interface of the kernel (32 bits, x32) ends the process; one killed thread would leave the others waiting.
    if (status == 0) status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (status == 0) status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (status == 0) status = add_common(filter, process);
    if (status == 0) status = list == CLINUX_DECODER ? add_for_decoder(filter) : add_for_program(filter, program);
    if (status == 0) {
        *made = filter;
        return 0;
    }
    seccomp_release(filter);
    return status;
}

int clinux_export_filter(clinux_system_calls list, uint32_t architecture, pid_t process, int fd) {
    scmp_filter_ctx filter;
    int status = clinux_make_filter(&filter, list, architecture, process, "");
    if (status != 0) return status;
    status = seccomp_export_bpf(filter, fd);
    seccomp_release(filter);
    return status;
}

char *clinux_system_call_name(uint32_t architecture, int number) {
    return seccomp_syscall_resolve_num_arch(architecture == 0 ? seccomp_arch_native() : architecture, number);
}

int clinux_system_call_number(const char *name) {
    // The same on all architectures; libseccomp knows it from 2.5.5 on.
    if (strcmp(name, "fchmodat2") == 0) return 452;
    int number = seccomp_syscall_resolve_name(name);
    return number < 0 ? -1 : number;
}

long clinux_system_call(int number, const long a[6]) {
    if (number < 0) return -ENOSYS;
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    return result < 0 ? -errno : result;
}

long clinux_foreign_system_call(int interface) {
#ifdef __x86_64__
    if (interface == 1) {
        const long x32 = 0x40000000, none[6] = {0};
        return clinux_system_call((int)(x32 + 39), none);
    }
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
    return result;
#else
    (void)interface;
    return -ENOSYS;
#endif
}
