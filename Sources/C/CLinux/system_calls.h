// The lists of system calls of CLinuxConfinement.h, inside the module.
#pragma once
#include <seccomp.h>

#include "CLinuxConfinement.h"

/// Makes the filter of a list, to be released by the caller. 0, or -errno.
/// `architecture`: 0 for this machine's. `process`: who may be sent signals. `program`: see `clinux_confinement`.
int clinux_make_filter(
    scmp_filter_ctx *made, clinux_system_calls list, uint32_t architecture, pid_t process, const char *program);
