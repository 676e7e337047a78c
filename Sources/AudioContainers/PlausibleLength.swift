/// Whether a length that a header declares can be that of the file. One damaged number makes days of a minute.
package enum PlausibleLength {
    /// Bits a second that the poorest telephone codec takes, about. A file that has so many for all the time it declares may
    /// well hold that much.
    static let minimumBitRate = 8_000.0
    /// Bits a second that no codec is below, pauses included.
    static let minimumPossibleBitRate = 100.0
    /// How often as long as what is there a copy that was cut off may have been, where nothing but one number says so.
    static let maximumRatio = 20.0
    /// In seconds: what is there counts as at least so much.
    static let minimumHeard = 60.0

    /// Where nothing confirms the declared length.
    /// - Parameters:
    ///   - declared: in seconds.
    ///   - heard: seconds that came out.
    ///   - byteCount: of the file.
    package static func isBelievable(_ declared: Double, heard: Double, byteCount: Int64) -> Bool {
        declared <= maximumRatio * max(heard, minimumHeard) || bitRate(declared, byteCount) >= minimumBitRate
    }

    /// Before anything was heard.
    package static func isPossible(_ declared: Double, byteCount: Int64) -> Bool {
        declared <= minimumHeard || bitRate(declared, byteCount) >= minimumPossibleBitRate
    }

    private static func bitRate(_ seconds: Double, _ byteCount: Int64) -> Double {
        Double(byteCount) * 8 / max(seconds, 1e-9)
    }
}

/// What else there is to a length that a header declares.
package enum DeclaredTrust: Equatable, Sendable {
    /// Other numbers say the same: what is missing of it is missing.
    case confirmed
    /// One number, which is believed as far as it is plausible.
    case alone
    /// The file has all the bytes that it declares: nothing is missing at its end, whatever that number says.
    case contradicted
}

extension DeclaredTrust {
    /// Of a file whose header tells where the sound ends and where the whole file does.
    /// - Parameter size: what is there.
    init(soundEnd: Int64, whole: Int64, size: Int64) {
        let slack = DeclaredLength.slack
        // A size that some recorders leave as it was before there was any sound says nothing.
        self = soundEnd <= whole + slack ? .confirmed : abs(whole - size) <= slack ? .contradicted : .alone
    }
}
