import Glibc

/// How much address space this process may have (`ulimit -v`).
package enum AddressSpace {
    /// What the program needs: with 150 MB it crashes, with 200 MB its threads now and then cannot be made, and it waits for
    /// them for ever; 300 MB did in each of 24 runs with the offline engine. Each thread's stack counts with 8 MB.
    package static let minimumBytes: UInt64 = 256 << 20

    /// The limit, where it is lower than that; nil: there is enough.
    package static var shortage: UInt64? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < minimumBytes else {
            return nil
        }
        return UInt64(limit.rlim_cur)
    }
}
