/// What a run of ffmpeg has to know, and what it has found out for the next one: tracks and level are known only when
/// ffmpeg has been started, and a confined process starts no other.
struct ExternalReading: Equatable {
    /// The tracks of sound to decode, counted from 0; more than one are mixed.
    var tracks = [0]
    var tried = TrackTrials()
    /// What the recording is to be made louder by, in dB; nil: that is still to be measured, where it may be needed.
    var gainDecibels: Int?
    /// What is to be told of the file besides; empty for nothing.
    var warning = ""

    init(warning: String?) { self.warning = warning ?? "" }

    /// For the arguments of a process.
    var encoded: String {
        func list(_ numbers: some Sequence<Int>) -> String { numbers.map { "\($0)" }.joined(separator: ",") }
        return [
            list(tracks), list(tried.unusable.sorted()), list(tried.silent.sorted()), tried.allowsMix ? "mix" : "",
            gainDecibels.map { "\($0)" } ?? "", warning,
        ].joined(separator: ";")
    }

    /// Nil when the text is none of `encoded`; empty is what is known before anything was tried.
    init?(encoded text: String) {
        if text.isEmpty { return }
        let parts = text.split(separator: ";", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6 else { return nil }
        let lists = parts[..<3].map { part in part.split(separator: ",").map { Int($0) } }
        guard lists.allSatisfy({ $0.allSatisfy { $0.map { (0..<10_000).contains($0) } ?? false } }), !lists[0].isEmpty
        else { return nil }
        tracks = lists[0].compactMap { $0 }
        tried = TrackTrials(
            unusable: Set(lists[1].compactMap { $0 }), silent: Set(lists[2].compactMap { $0 }),
            allowsMix: parts[3] == "mix")
        gainDecibels = Int(parts[4])
        warning = parts[5]
    }
}
