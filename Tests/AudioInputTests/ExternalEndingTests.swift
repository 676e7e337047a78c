import AudioInput
import Testing

/// Whether ffmpeg came to the end of a file, by its status and its own words.
@Suite struct ExternalEndingTests {
    private static func report(_ text: String, piece: Int = 7) -> ExternalReport {
        var report = ExternalReport()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes { report.append($0) }
        }
        return report
    }

    /// As ffmpeg 5.1 says it.
    @Test(arguments: [
        ("[aac @ 0x55] [error] Error submitting packet to decoder: Cannot allocate memory\n", true),
        ("[error] Error while filtering: Cannot allocate memory\n", true),
        ("[aac @ 0x55] [error] Error submitting packet to decoder: Invalid data found\n", false),
        ("[info]   title           : Cannot find it\n", false), ("", false),
    ]) func memoryThatRunsOutIsKnownByItsWords(_ text: String, _ ranOut: Bool) {
        #expect(Self.report(text).ranOutOfMemory == ranOut)
    }

    struct Row: Sendable {
        var status: Int32
        var ranOutOfMemory = false
        var isHeard = true
        /// Nil: it ended by itself.
        var cause: String?
        var isCrash = false
    }

    @Test(arguments: [
        Row(status: 0), Row(status: 1), Row(status: 0, ranOutOfMemory: true),
        // In the middle: what came before would pass for all that there is.
        Row(status: 1, ranOutOfMemory: true, cause: "ffmpeg ran out of memory"),
        // At its header, which asks for too much: the file's own fault.
        Row(status: 1, ranOutOfMemory: true, isHeard: false),
        Row(status: 255, cause: "ffmpeg was told to stop"), Row(status: 123, cause: "ffmpeg was told to stop"),
        Row(status: 255, isHeard: false, cause: "ffmpeg was told to stop"),
        Row(status: -9, cause: "ffmpeg was ended by signal 9"),
        Row(status: -15, ranOutOfMemory: true, cause: "ffmpeg was ended by signal 15"),
        Row(status: -11, cause: "ffmpeg was ended by signal 11", isCrash: true),
    ]) func whatEndsItIsTheRunsFaultOrTheFiles(_ row: Row) {
        let interruption = ExternalEnding.interruption(
            status: row.status, ranOutOfMemory: row.ranOutOfMemory, isHeard: row.isHeard)
        #expect(interruption?.cause == row.cause && interruption?.isCrash ?? false == row.isCrash)
    }
}
