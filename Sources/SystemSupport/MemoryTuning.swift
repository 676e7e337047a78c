import CLinux

/// How malloc(3) keeps memory.
package enum MemoryTuning {
    /// Large blocks (chunks of audio) go back to the kernel when they are freed, and threads share two arenas; without
    /// this the resident size keeps the largest sum it ever had.
    package static func apply() { clinux_tune_malloc() }

    /// Gives what is free back to the kernel now, for instance after an engine let go of its models.
    package static func trim() { clinux_trim_malloc() }
}
