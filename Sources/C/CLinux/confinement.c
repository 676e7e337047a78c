#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system_calls.h"

static int limit(int resource, uint64_t value) {
    if (value == 0) return 0;
    struct rlimit now;
    if (getrlimit(resource, &now) == 0 && now.rlim_max != RLIM_INFINITY && now.rlim_max < value) value = now.rlim_max;
    struct rlimit wanted = {.rlim_cur = value, .rlim_max = value};
    return setrlimit(resource, &wanted) == 0 ? 0 : -errno;
}

static int apply_limits(const clinux_confinement *confinement) {
    int status = limit(RLIMIT_AS, confinement->address_space_bytes);
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 && status == 0) status = -errno;
    if (confinement->cpu_seconds != 0) {
        // The soft limit first: SIGXCPU says what happened, SIGKILL would not.
        const struct rlimit cpu = {.rlim_cur = confinement->cpu_seconds, .rlim_max = confinement->cpu_seconds + 5};
        if (setrlimit(RLIMIT_CPU, &cpu) != 0 && errno != EPERM && status == 0) status = -errno;
    }
    const int files = limit(RLIMIT_NOFILE, confinement->open_files);
    return status != 0 ? status : files;
}

static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

static void allow(int ruleset, int fd, uint64_t rights) {
    struct stat st;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)) rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static void allow_beneath(int ruleset, const char *path, uint64_t rights) {
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) return;
    allow(ruleset, fd, rights);
    close(fd);
}

// What may be executed is the program and, for that, the loader among the libraries.
static void allow_program(int ruleset, const char *program) {
    allow_beneath(ruleset, program, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE);
    const char *const libraries[] = {"/lib", "/lib64"};
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
        allow_beneath(ruleset, libraries[i], reading | LANDLOCK_ACCESS_FS_EXECUTE);
    const char *const system[] = {"/usr", "/etc/ld.so.cache", "/etc/alternatives"};
    for (size_t i = 0; i < sizeof system / sizeof system[0]; i++) allow_beneath(ruleset, system[i], reading);
    char *folder = realpath(program, NULL);
    char *end = folder == NULL ? NULL : strrchr(folder, '/');
    if (end != NULL && end != folder) {
        *end = 0;
        allow_beneath(ruleset, folder, reading);
    }
    free(folder);
    allow(ruleset, STDIN_FILENO, LANDLOCK_ACCESS_FS_READ_FILE);
}

int clinux_landlock_version(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static int confine_files(const char *program) {
    int version = clinux_landlock_version();
    if (version < 1) return 0;
    struct landlock_ruleset_attr attributes = {
        .handled_access_fs = reading | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                             LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                             LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                             LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                             LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM};
    if (version >= 3) attributes.handled_access_fs |= 1ULL << 14;  // TRUNCATE, missing from Debian 12's header
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0) return -errno;
    if (program != NULL) allow_program(ruleset, program);
    int status = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : -errno;
    close(ruleset);
    return status;
}

static int confine_system_calls(const char *program) {
    scmp_filter_ctx filter;
    int status =
        clinux_make_filter(&filter, program == NULL ? CLINUX_DECODER : CLINUX_PROGRAM, 0, getpid(), program);
    if (status != 0) return status;
    status = seccomp_load(filter);
    seccomp_release(filter);
    return status;
}

int clinux_confine(const clinux_confinement *confinement) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
    prctl(PR_SET_DUMPABLE, 0);
    const int limits = apply_limits(confinement);
    const int files = confine_files(confinement->program);
    const int calls = confine_system_calls(confinement->program);
    return calls != 0 ? calls : files != 0 ? files : limits;
}

static _Noreturn void become_program(
    const clinux_confinement *confinement, char *const arguments[], pid_t parent, int output, int report, int verdict) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It may have ended before it was asked for.
    if (getppid() != parent) _exit(127);
    signal(SIGPIPE, SIG_DFL);
    if (dup2(output, STDOUT_FILENO) < 0 || dup2(report, STDERR_FILENO) < 0) _exit(127);
    const int confined = clinux_confine(confinement);
    // None of FFREPORT, LD_PRELOAD, AV_LOG_*.
    char *const environment[] = {NULL};
    if (write(verdict, &confined, sizeof confined) != sizeof confined) _exit(127);
    execve(confinement->program, arguments, environment);
    const int refused = errno;
    if (write(verdict, &refused, sizeof refused) < 0) _exit(127);
    _exit(127);
}

static ssize_t read_all(int fd, void *buffer, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t got = read(fd, (char *)buffer + done, count - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

int clinux_run_confined(
    const clinux_confinement *confinement, char *const arguments[], clinux_confined_program *started) {
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int status = 0;
    for (int i = 0; i < 3 && status == 0; i++)
        if (pipe2(pipes[i], O_CLOEXEC) != 0) status = -errno;
    const pid_t parent = getpid();
    pid_t process = -1;
    if (status == 0) {
        process = fork();
        if (process == 0)
            become_program(confinement, arguments, parent, pipes[0][1], pipes[1][1], pipes[2][1]);
        if (process < 0) status = -errno;
    }
    for (int i = 0; i < 3; i++)
        if (pipes[i][1] >= 0) close(pipes[i][1]);
    int outcome[2] = {0, 0};
    if (status == 0) {
        const ssize_t told = read_all(pipes[2][0], outcome, sizeof outcome);
        if (told != sizeof outcome[0]) status = told == sizeof outcome ? -outcome[1] : -ECHILD;
        if (status != 0) while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
    }
    if (pipes[2][0] >= 0) close(pipes[2][0]);
    if (status == 0) {
        *started = (clinux_confined_program){process, pipes[0][0], pipes[1][0], outcome[0]};
        return 0;
    }
    for (int i = 0; i < 2; i++)
        if (pipes[i][0] >= 0) close(pipes[i][0]);
    return status;
}
