/// What follows from the end of a recognizer process in the middle of its work.
package enum DeathVerdict: Sendable, Hashable {
    /// A new process; what was in flight is asked again, one at a time.
    case tryAgain
    /// The one that was in flight seems to be at fault: a new process is asked for a harmless sample first.
    case trySample
    /// No process works, whatever it is asked.
    case engineUnusable

    /// So many, and it is no chance any more.
    package static let maximumDeaths = 3

    /// - Parameters:
    ///   - deaths: of each call that was in flight, how many processes died with it, this one included.
    ///   - withoutCalls: how many processes in a row died before they were asked anything, this one included.
    ///   - isSample: the harmless sample was in flight.
    package init(deaths: [Int], withoutCalls: Int, isSample: Bool) {
        if isSample || withoutCalls >= Self.maximumDeaths {
            self = .engineUnusable
        } else if deaths.count == 1, deaths[0] >= Self.maximumDeaths {
            self = .trySample
        } else {
            self = .tryAgain
        }
    }
}
