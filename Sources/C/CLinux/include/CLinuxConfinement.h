// How the processes that decode are confined: limits, landlock, and a seccomp filter that allows what is on a list.
#pragma once
#include <stdint.h>
#include <sys/types.h>

/// Whose list of system calls it is.
typedef enum {
    /// The decoder itself: opens nothing, runs nothing, knows no path.
    CLINUX_DECODER,
    /// ffmpeg: also finds and reads its libraries and the recording.
    CLINUX_PROGRAM
} clinux_system_calls;

/// What a process may still do; 0 leaves a limit as it is.
typedef struct {
    uint64_t address_space_bytes;
    /// A process that uses more ends by SIGXCPU.
    uint64_t cpu_seconds;
    uint64_t open_files;
    /// NULL: the decoder's list. Otherwise the path of the program that is to be executed: the program's list, and for
    /// reading the program's folder, those of the system's libraries, and standard input's file. The string at this very
    /// address is the only one that execve(2) takes.
    const char *program;
} clinux_confinement;

/// Confines the calling process for good: no new privileges, no core file, the limits, landlock where the kernel has it,
/// and the seccomp filter, for all of its threads. 0, or -errno of the first part that cannot be had; what can be had is
/// in force then. There is no parent-death signal here: it would fire when the thread ends that started the process.
int clinux_confine(const clinux_confinement *confinement);

/// A program that `clinux_run_confined` has started.
typedef struct {
    pid_t process;
    /// The ends to read of its standard output and its standard error; the caller closes them.
    int output;
    int report;
    /// What `clinux_confine` said in it.
    int confinement;
} clinux_confined_program;

/// Starts `confinement->program` with these arguments, without environment, confined before it runs. Standard input is
/// the caller's. It is killed when the calling thread ends. Forks, so that the caller must have no other thread, and
/// waits until the program has been executed. 0, or -errno when it cannot be.
int clinux_run_confined(
    const clinux_confinement *confinement, char *const arguments[], clinux_confined_program *started);

/// The landlock interface of this kernel; below 1 there is none.
int clinux_landlock_version(void);

/// Writes the filter as BPF to `fd`, for an architecture (AUDIT_ARCH_…, 0 for this machine's) and as for a process of this
/// id. 0, or -errno.
int clinux_export_filter(clinux_system_calls list, uint32_t architecture, pid_t process, int fd);

/// The name of a system call of an architecture (0: this machine's), to be freed; NULL when there is none by the number.
char *clinux_system_call_name(uint32_t architecture, int number);

/// syscall(2): the result or -errno. The number is -1 (so the answer -ENOSYS) for a name that this machine has not.
long clinux_system_call(int number, const long arguments[6]);
int clinux_system_call_number(const char *name);

/// getpid by another interface of the kernel: 0 by that for 32-bit programs, 1 by x32. -ENOSYS on other machines.
long clinux_foreign_system_call(int interface);
