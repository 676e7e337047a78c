import AudioContainers

/// Files of dictation machines (Olympus, Philips, Grundig): a number and three letters.
enum DictationFormat {
    /// What to do about it in the program that belongs to the machine.
    private static let remedy =
        "Have the dictation program save it as WAV or MP3 (OM System or Olympus Dictation Module, Philips SpeechExec and "
        + "DigtaSoft can), or set the machine to DSS or MP3."

    /// Nil for another file.
    /// - Throws: `DecodingFailure` for a kind that cannot be decoded here, with what to do.
    static func format(of head: [UInt8]) throws(DecodingFailure) -> AudioFormat? {
        guard let version = head.first, version < 0x10 else { return nil }
        if head.has("ds2", at: 1) {
            throw DecodingFailure(
                .unsupportedFormat, "is a DS2 dictation (DSS Pro), which cannot be decoded here. \(remedy)")
        }
        if head.has("enc", at: 1) {
            throw DecodingFailure(
                .unsupportedFormat,
                "is an encrypted dictation (DSS Pro): only the dictation program can open it, with its password. "
                    + "Have it save the dictation as WAV or MP3 there, or switch encryption off in the machine.")
        }
        guard head.has("dss", at: 1) else { return nil }
        guard version == 2 || version == 3 else {
            throw DecodingFailure(
                .unsupportedFormat,
                "is a DSS dictation of a kind that cannot be decoded here (number \(version); Grundig writes 6). \(remedy)"
            )
        }
        return AudioFormat("dss", "DSS dictation", .ffmpeg(demuxer: "dss"))
    }
}
