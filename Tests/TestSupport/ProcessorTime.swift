import Glibc

/// How long the calling thread worked on `body`: unlike the time that passes, it does not depend on what else the machine
/// does.
/// - Throws: what `body` throws.
package func processorTime(_ body: () throws -> Void) rethrows -> Duration {
    let begun = threadTime()
    try body()
    return threadTime() - begun
}

private func threadTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
