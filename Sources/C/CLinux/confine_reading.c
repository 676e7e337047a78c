#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Debian 12's header has them not; see landlock(7).
static const uint64_t truncating = 1ULL << 14;
static const uint64_t refer = 1ULL << 13;

static int restrict_files(const char *const *folders, size_t count) {
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) return 0;
    const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    struct landlock_ruleset_attr attributes = {
        .handled_access_fs = reading | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                             LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                             LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                             LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM};
    if (abi >= 2) attributes.handled_access_fs |= refer;
    if (abi >= 3) attributes.handled_access_fs |= truncating;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0) return -errno;
    for (size_t i = 0; i < count; i++) {
        int fd = open(folders[i], O_PATH | O_CLOEXEC);
        if (fd < 0) continue;
        struct stat st;
        int is_folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
        struct landlock_path_beneath_attr rule = {
            .allowed_access = is_folder ? reading : LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = fd};
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
        close(fd);
    }
    int status = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : -errno;
    close(ruleset);
    return status;
}

static int refuse_calls(void) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL) return -ENOMEM;
    const int refused[] = {
        SCMP_SYS(socket),   SCMP_SYS(socketpair),       SCMP_SYS(connect),           SCMP_SYS(bind),
        SCMP_SYS(listen),   SCMP_SYS(accept),           SCMP_SYS(accept4),           SCMP_SYS(sendto),
        SCMP_SYS(sendmsg),  SCMP_SYS(execve),           SCMP_SYS(execveat),          SCMP_SYS(ptrace),
        SCMP_SYS(creat),    SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(io_uring_setup),
        SCMP_SYS(tkill),    SCMP_SYS(pidfd_send_signal)};
    int status = 0;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0] && status == 0; i++)
        status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    if (status == 0)
        status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kill), 1,
                                  SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
    const struct {
        int call;
        unsigned flags;
    } opening[] = {{SCMP_SYS(openat), 2}, {SCMP_SYS(open), 1}};
    for (unsigned i = 0; i < 2 && status == 0; i++) {
        const scmp_datum_t modes[] = {O_WRONLY, O_RDWR};
        for (unsigned mode = 0; mode < 2 && status == 0; mode++) {
            const struct scmp_arg_cmp writes = {opening[i].flags, SCMP_CMP_MASKED_EQ, O_ACCMODE, modes[mode]};
            status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), opening[i].call, 1, writes);
        }
    }
    if (status == 0) status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);
    if (status == 0) status = seccomp_load(filter);
    seccomp_release(filter);
    return status;
}

int clinux_confine_reading(const char *const *folders, size_t count, uint64_t address_space_bytes) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
    prctl(PR_SET_DUMPABLE, 0);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    struct rlimit now;
    if (address_space_bytes != 0 && getrlimit(RLIMIT_AS, &now) == 0) {
        if (now.rlim_max < address_space_bytes) address_space_bytes = now.rlim_max;
        struct rlimit space = {.rlim_cur = address_space_bytes, .rlim_max = address_space_bytes};
        if (setrlimit(RLIMIT_AS, &space) != 0) return -errno;
    }
    int status = restrict_files(folders, count);
    return status != 0 ? status : refuse_calls();
}

int clinux_end_with_parent(int parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return -errno;
    return getppid() == parent ? 0 : -ESRCH;
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno; }
