#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

int clinux_openat(int directory, const char *path, int flags, mode_t mode) {
    int fd;
    do fd = openat(directory, path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int clinux_open_place(int directory, const char *path, int flags) {
    return clinux_openat(directory, path, flags | O_PATH | O_NOFOLLOW, 0);
}

int clinux_rename_noreplace(int old_directory, const char *old_path, int new_directory, const char *new_path) {
    if (renameat2(old_directory, old_path, new_directory, new_path, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -errno;
    if (linkat(old_directory, old_path, new_directory, new_path, 0) == 0)
        return unlinkat(old_directory, old_path, 0) == 0 ? 0 : -errno;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return -errno;
    // A file system with neither (some FUSE and CIFS mounts): the best left is look, then rename.
    struct stat st;
    if (fstatat(new_directory, new_path, &st, AT_SYMLINK_NOFOLLOW) == 0) return -EEXIST;
    return renameat(old_directory, old_path, new_directory, new_path) == 0 ? 0 : -errno;
}

int clinux_probe_read_lease(int fd) {
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return -errno;
    return fcntl(fd, F_SETLEASE, F_UNLCK) == 0 ? 0 : -errno;
}

int64_t clinux_file_system_type(int fd) {
    struct statfs sfs;
    if (fstatfs(fd, &sfs) != 0) return -errno;
    return (int64_t)(uint32_t)sfs.f_type;
}

int clinux_lock_file(int fd) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : -errno;
}

int clinux_is_locked(int fd) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 ? lock.l_type != F_UNLCK : -errno;
}

int64_t clinux_data_end(int fd, int64_t size) {
    if (size <= 0 || lseek(fd, size - 1, SEEK_DATA) >= 0 || errno != ENXIO) return size;
    off_t at = lseek(fd, 0, SEEK_HOLE);
    return at < 0 ? size : at;
}

int clinux_eventfd(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int clinux_memory_file(void) {
    int fd = memfd_create("parlograph", MFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int clinux_gettid(void) { return (int)syscall(SYS_gettid); }

void clinux_name_thread(const char *name) {
    char buffer[16];
    snprintf(buffer, sizeof buffer, "%s", name);
    pthread_setname_np(pthread_self(), buffer);
}

static int name_socket(const char *name, struct sockaddr_un *address, socklen_t *length) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    size_t count = strlen(name);
    if (count > sizeof address->sun_path - 1) return -ENAMETOOLONG;
    memcpy(address->sun_path + 1, name, count);
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + count);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

int clinux_hold_name(const char *name) {
    struct sockaddr_un address;
    socklen_t length;
    int fd = name_socket(name, &address, &length);
    if (fd < 0) return fd;
    // Nobody is answered; the queue lets those who ask who holds the name connect.
    if (bind(fd, (struct sockaddr *)&address, length) == 0 && listen(fd, 64) == 0) return fd;
    int error = errno;
    close(fd);
    return -error;
}

int clinux_name_holder(const char *name, pid_t *process, uid_t *user) {
    struct sockaddr_un address;
    socklen_t length;
    int fd = name_socket(name, &address, &length);
    if (fd < 0) return fd;
    struct ucred who;
    socklen_t size = sizeof who;
    int status = connect(fd, (struct sockaddr *)&address, length);
    if (status == 0) status = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
    int error = errno;
    close(fd);
    if (status != 0) return -error;
    *process = who.pid;
    *user = who.uid;
    return 0;
}

int clinux_turn_away(int fd) {
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    if (poll(&waiting, 1, -1) < 0) return errno == EINTR ? 0 : -errno;
    // accept4 alone would say EAGAIN.
    if (waiting.revents & (POLLHUP | POLLERR | POLLNVAL)) return -EINVAL;
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0) return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? 0 : -errno;
    close(connection);
    return 0;
}

void clinux_widen_pipe(int fd, int bytes) { fcntl(fd, F_SETPIPE_SZ, bytes); }

void clinux_tune_malloc(void) {
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    mallopt(M_ARENA_MAX, 2);
}

void clinux_trim_malloc(void) { malloc_trim(0); }

static int limit(int resource, uint64_t value) {
    if (value == 0) return 0;
    struct rlimit now;
    if (getrlimit(resource, &now) == 0 && now.rlim_max != RLIM_INFINITY && now.rlim_max < value) value = now.rlim_max;
    struct rlimit wanted = {.rlim_cur = value, .rlim_max = value};
    return setrlimit(resource, &wanted);
}

// Landlock, where the kernel has it: nothing may be written; nothing may be read or run but what the rules below name.
static void allow_beneath(int ruleset, const char *path, uint64_t rights) {
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) return;
    struct stat st;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)) rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(fd);
}

static void confine_files(const char *program_directory) {
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) return;
    const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
    struct landlock_ruleset_attr attributes = {
        .handled_access_fs = reading | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                             LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                             LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM};
    if (abi >= 3) attributes.handled_access_fs |= 1ULL << 14;  // TRUNCATE, missing from Debian 12's header
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0) return;
    if (program_directory != NULL) {
        allow_beneath(ruleset, program_directory, reading);
        const char *const system[] = {"/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"};
        for (size_t i = 0; i < sizeof system / sizeof system[0]; i++) allow_beneath(ruleset, system[i], reading);
        struct landlock_path_beneath_attr input = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = 0};
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &input, 0);
    }
    syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
}

int clinux_sandbox(const clinux_sandbox_limits *limits) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
    prctl(PR_SET_DUMPABLE, 0);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (limit(RLIMIT_AS, limits->address_space_bytes) != 0) return -errno;
    if (limits->cpu_seconds != 0) {
        // The soft limit first: SIGXCPU says what happened, SIGKILL would not.
        struct rlimit cpu = {.rlim_cur = limits->cpu_seconds, .rlim_max = limits->cpu_seconds + 5};
        if (setrlimit(RLIMIT_CPU, &cpu) != 0 && errno != EPERM) return -errno;
    }
    if (limit(RLIMIT_NOFILE, limits->open_files) != 0) return -errno;
    const int opens = limits->program_directory != NULL;
    confine_files(limits->program_directory);

    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL) return -ENOMEM;
    const int refused[] = {
        SCMP_SYS(socket),      SCMP_SYS(socketpair), SCMP_SYS(connect),      SCMP_SYS(bind),        SCMP_SYS(listen),
        SCMP_SYS(accept),      SCMP_SYS(accept4),    SCMP_SYS(ptrace),       SCMP_SYS(mount),       SCMP_SYS(umount2),
        SCMP_SYS(unlink),      SCMP_SYS(unlinkat),   SCMP_SYS(rename),       SCMP_SYS(renameat),    SCMP_SYS(renameat2),
        SCMP_SYS(chmod),       SCMP_SYS(fchmod),     SCMP_SYS(fchmodat),     SCMP_SYS(chown),       SCMP_SYS(fchown),
        SCMP_SYS(lchown),      SCMP_SYS(fchownat),   SCMP_SYS(truncate),     SCMP_SYS(ftruncate),   SCMP_SYS(link),
        SCMP_SYS(linkat),      SCMP_SYS(symlink),    SCMP_SYS(symlinkat),    SCMP_SYS(mkdir),       SCMP_SYS(mkdirat),
        SCMP_SYS(mknod),       SCMP_SYS(mknodat),    SCMP_SYS(bpf),          SCMP_SYS(keyctl),      SCMP_SYS(add_key),
        SCMP_SYS(request_key), SCMP_SYS(setns),      SCMP_SYS(unshare),      SCMP_SYS(chroot),      SCMP_SYS(pivot_root),
        SCMP_SYS(kexec_load),  SCMP_SYS(reboot),     SCMP_SYS(init_module),  SCMP_SYS(finit_module), SCMP_SYS(perf_event_open),
        SCMP_SYS(userfaultfd), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(io_uring_setup)};
    int status = 0;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0] && status == 0; i++)
        status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    // Signals: to itself only (abort and the runtime's own crash handling), never to another process.
    if (status == 0)
        status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kill), 1,
                                  SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
    const int opening[] = {SCMP_SYS(openat), SCMP_SYS(open)};
    for (unsigned i = 0; i < 2 && status == 0; i++) {
        if (!opens) {
            status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), opening[i], 0);
            continue;
        }
        const unsigned flags = opening[i] == SCMP_SYS(openat) ? 2 : 1;
        const struct scmp_arg_cmp write_only = {flags, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY};
        const struct scmp_arg_cmp read_write = {flags, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR};
        status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), opening[i], 1, write_only);
        if (status == 0) status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), opening[i], 1, read_write);
    }
    if (status == 0) status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(creat), 0);
    if (status == 0) status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);
    if (status == 0 && !opens) {
        status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 0);
        if (status == 0) status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execveat), 0);
    }
    if (status == 0) status = seccomp_load(filter);
    seccomp_release(filter);
    return status;
}

int clinux_open_without_links(int directory, const char *path, int flags, int beneath) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = (uint64_t)(flags | O_CLOEXEC);
    how.resolve = RESOLVE_NO_SYMLINKS | (beneath ? RESOLVE_BENEATH : 0);
    int fd;
    do fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}
