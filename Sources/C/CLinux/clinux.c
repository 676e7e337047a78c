#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
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
