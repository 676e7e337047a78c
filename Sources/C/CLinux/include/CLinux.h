// Linux calls that Swift's Glibc module does not show: what sits behind _GNU_SOURCE, and variadic functions.
// Each returns 0 or a non-negative value on success and -errno on failure, so that no caller reads errno late.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "confine_reading.h"

#include "CLinuxConfinement.h"

/// openat(2); O_CLOEXEC is always added.
int clinux_openat(int directory, const char *path, int flags, mode_t mode);
/// openat(2) with O_PATH and O_NOFOLLOW: a hold on what lies there, also a link, without opening it.
int clinux_open_place(int directory, const char *path, int flags);
/// renameat2(2); flags 1 is RENAME_NOREPLACE. Falls back to link + unlink where the file system lacks the flag.
int clinux_rename_noreplace(int old_directory, const char *old_path, int new_directory, const char *new_path);
/// Takes a read lease (F_SETLEASE, F_RDLCK) and gives it back at once: 0 when no writer has the file open,
/// -EAGAIN when one has, -EACCES / -EINVAL where leases cannot be had.
int clinux_probe_read_lease(int fd);
/// f_type of statfs(2) for an open descriptor; negative errno on failure.
int64_t clinux_file_system_type(int fd);
/// An open-file-description write lock on the whole file (F_OFD_SETLK): 0, or -EAGAIN when another holds it.
int clinux_lock_file(int fd);
/* Whether another descriptor holds that lock; takes none, so a descriptor for reading will do. */
int clinux_is_locked(int fd);
/// Where the contents end of a file of so many bytes: its first hole if it ends in one (lseek, SEEK_DATA), else `size`,
/// also where the file system cannot tell. Moves the descriptor's offset.
int64_t clinux_data_end(int fd, int64_t size);
/// eventfd(2), close-on-exec and non-blocking.
int clinux_eventfd(void);
/// An empty file in memory without a name, memfd_create(2): its descriptor, or -errno.
int clinux_memory_file(void);
/// pthread_setname_np for the calling thread; at most 15 bytes are kept.
void clinux_name_thread(const char *name);
/// Holds a name among the abstract Unix sockets of this network namespace, as long as the descriptor is open: that, or
/// -EADDRINUSE when another holds it.
int clinux_hold_name(const char *name);
/// Who holds it: 0 and the ids as this process sees them (0 for one it cannot see), or -errno.
int clinux_name_holder(const char *name, pid_t *process, uid_t *user);
/// Waits until somebody connects to a name that is held, and closes the connection: 0, or -errno when no more will come
/// (-EINVAL after shutdown(2)) or it cannot be taken now (-EMFILE and the like).
int clinux_turn_away(int fd);
/// Makes room for so many bytes in a pipe (F_SETPIPE_SZ), as far as the system lets it.
void clinux_widen_pipe(int fd, int bytes);
/// Makes malloc give large blocks back to the kernel and use few arenas, so that memory does not grow with chunks.
void clinux_tune_malloc(void);
/// malloc_trim(3).
void clinux_trim_malloc(void);

/// openat2(2) with RESOLVE_NO_SYMLINKS and, if `beneath` is not 0, RESOLVE_BENEATH: opens what lies below `directory` and
/// nothing else, whatever is put in the way. -ENOSYS on kernels before 5.6, -EPERM under some older seccomp filters.
int clinux_open_without_links(int directory, const char *path, int flags, int beneath);
