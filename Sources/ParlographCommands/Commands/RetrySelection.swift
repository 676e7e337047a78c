import Inbox
import SystemSupport

/// Which of the recordings that did not come out whole are tried again.
struct RetrySelection {
    /// A recording as it was named on the command line.
    struct Wanted {
        let name: RawName
        /// As it was typed.
        let text: String
    }

    var wanted: [Wanted] = []
    /// Only those that failed then or later, in seconds since 1970; nil: whenever it was.
    var since: Int64?

    /// - Parameter jobs: failed and partial ones, newest last.
    /// - Returns: those that are meant, each once, and the words that fit none. Without a name all that failed are meant;
    ///   a name means the newest of that name, a pattern all that fit it.
    func chosen(from jobs: [Job]) -> (jobs: [Job], unknown: [String]) {
        let candidates =
            since.map { since in
                jobs.filter { $0.state == .failed && ($0.finishedAt ?? $0.foundAt) >= since }
            } ?? jobs
        guard !wanted.isEmpty else { return (candidates.filter { $0.state == .failed }, []) }
        var (chosen, unknown): ([Job], [String]) = ([], [])
        for wanted in wanted {
            let fitting = wanted.jobs(from: candidates)
            if fitting.isEmpty { unknown.append(wanted.name.printable) }
            chosen += fitting.filter { job in !chosen.contains { $0.id == job.id } }
        }
        return (chosen, unknown)
    }
}

extension RetrySelection.Wanted {
    fileprivate func jobs(from candidates: [Job]) -> [Job] {
        let named = candidates.last { $0.path == name || $0.path.last == name || $0.path.printable == text }
        if let named { return [named] }
        guard text.contains(where: { "*?".contains($0) }) else { return [] }
        let pattern = NamePattern(text)
        return candidates.filter { pattern.matches($0.path) || !text.contains("/") && pattern.matches($0.path.last) }
    }
}
