#pragma once
#include <stddef.h>
#include <stdint.h>

/// Confines the calling process, which must have one thread, before it reads what it does not trust: no new privileges, no
/// core file, at most so much address space (0: as before), no sockets, no program, no signal to another process, nothing
/// written. Where the kernel has landlock, nothing can be opened but beneath `folders` (and single files named there).
/// clinux_confine may follow when no file is needed any more. 0 or -errno.
int clinux_confine_reading(const char *const *folders, size_t count, uint64_t address_space_bytes);

/// Ends this process when the thread that started it ends (PR_SET_PDEATHSIG). 0, or -ESRCH when that has happened already:
/// `parent` is not the parent any more.
int clinux_end_with_parent(int parent);

/// A pipe, close-on-exec at both ends: pipe2(2). 0 or -errno.
int clinux_pipe(int ends[2]);
