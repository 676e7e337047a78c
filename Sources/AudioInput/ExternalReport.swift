import AudioContainers
import Glibc

/// What ffmpeg writes to its standard error, with `-v level+info`.
package struct ExternalReport {
    /// Length by the container.
    private(set) var seconds: Double?
    /// That length is a guess by the bit rate.
    private(set) var isLengthEstimated = false
    /// It has moving pictures, which may last longer than the sound.
    private(set) var hasPictures = false
    /// Of `seconds`, those in front of the first packet, which ffmpeg leaves out.
    private var skippedSeconds = 0.0
    /// The tracks of sound in the file, all of them before the first sample comes; the length is by the tag in Matroska.
    private(set) var tracks: [SoundTrack] = []
    /// Streams that have no decoder here.
    private(set) var undecodable: Set<Int> = []
    /// Streams whose layout of channels is a guess by their number.
    private(set) var guessedLayouts: Set<Int> = []
    private var isInput = true
    /// The lines are about the last of `tracks`.
    private var isInSound = false
    /// Times in the stream are all that tells of its length: where they jump, more is declared than there is.
    private var hasOnlyTimes = false
    /// How often something of the file could not be used.
    private(set) var faultCount = 0
    /// A header's word about the length of the sound; nil without one.
    /// - Parameters:
    ///   - own: of the sound alone, by the container's header.
    ///   - taken: the tracks that are heard, counted from 0.
    func declaredSeconds(_ own: DeclaredSound, of taken: [Int]) -> Double? {
        if hasOnlyTimes || own == .open { return nil }
        if case .seconds(let seconds, _) = own { return seconds }
        let soundSeconds = taken.compactMap { tracks.indices.contains($0) ? tracks[$0].seconds : nil }.max()
        // The container lasts as long as its longest track.
        if hasPictures || tracks.count > 1 {
            return soundSeconds.flatMap { tag in seconds.map { min(tag, $0) - skippedSeconds } }
        }
        return isLengthEstimated ? nil : seconds.map { $0 - skippedSeconds }
    }
    /// Of the whole container; nil where it is not known.
    var containerLength: Double? { isLengthEstimated ? nil : seconds }
    /// Times in the stream that tell of more sound than there is.
    var jump: Double? { hasOnlyTimes && !hasPictures ? seconds : nil }
    /// It speaks of an error of reading, which a damaged file may be the reason of, too.
    private(set) var mentionsReadError = false
    /// It says that memory ran out, wherever that was.
    package private(set) var ranOutOfMemory = false
    /// The first line that reports an error, in ffmpeg's words and fit for the log.
    private(set) var firstError: String?
    /// The first fault that can be told in plain words: the end of a sentence that says what the file is, but ….
    private(set) var fault: String?
    /// The file has no audio track.
    private(set) var sawNoAudio = false
    private var line: [UInt8] = []
    /// Told by `ContainerTimes.filter`, taken by nobody yet.
    private var jumps: [Jump] = []
    /// The first of the two times of a jump.
    private var expectedTime: Double?
    private var faultsBeforeJump = 0

    package init() {}

    /// A jump in the container's times.
    struct Jump {
        /// The time that was expected, in seconds; -1 at a beginning.
        let before: Double
        /// The time that came.
        let after: Double
        /// Something could not be used since the jump before: what is missing here may be that.
        let followsFault: Bool
    }

    /// Those that were told since the last call.
    mutating func takeJumps() -> [Jump] {
        defer { jumps.removeAll() }
        return jumps
    }

    /// Takes the next of what it writes, cut anywhere.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            if byte == 0x0A {
                take()
            } else if line.count < 500 {
                line.append(byte)
            }
        }
    }

    private mutating func take(_ time: Double) {
        guard let before = expectedTime else {
            expectedTime = time
            return
        }
        expectedTime = nil
        if jumps.count < 100_000 {
            jumps.append(Jump(before: before, after: time, followsFault: faultCount > faultsBeforeJump))
        }
        faultsBeforeJump = faultCount
    }

    private mutating func take() {
        defer { line.removeAll(keepingCapacity: true) }
        if line.starts(with: "[info] ".utf8), line.count < 40,
            let time = Double(String(decoding: line.dropFirst(7), as: UTF8.self))
        {
            take(time)
            return
        }
        if seconds == nil, let at = line.indices.first(where: { line[$0...].starts(with: "Duration: ".utf8) }) {
            seconds = Self.clock(line[(at + 10)...])
            if let start = Self.number(behind: "start: ", in: line) { skippedSeconds = max(0, start) }
        }
        if line.containsText("Input #0, mpeg") { hasOnlyTimes = true }
        if line.containsText("Output #0") { isInput = false }
        if isInput { takeTrack() }
        // Of its output, whose times begin again where the sound changes its format: no fault of the file.
        if line.containsText("non monotonically increasing dts") { return }
        if line.containsText("[error] ") || line.containsText("orrupt") && line.containsText("[warning] ") {
            faultCount += 1
        }
        if line.containsText("matches no streams") { sawNoAudio = true }
        if line.containsText("not found for input stream"), let stream = Self.stream(behind: "#0:", in: line) {
            undecodable.insert(stream)
        }
        if line.containsText("Estimating duration from bitrate") { isLengthEstimated = true }
        if line.containsText(": Video: "), !line.containsText("(attached pic)") { hasPictures = true }
        if line.containsText(Self.noMemory) { ranOutOfMemory = true }
        if !mentionsReadError { mentionsReadError = Self.readErrors.contains { line.containsText($0) } }
        // Not in what the file says of itself, which comes as [info].
        if fault == nil, !line.containsText("[info] ") { fault = Self.fault(in: line) }
        guard firstError == nil, let at = line.indices.first(where: { line[$0...].starts(with: "[error] ".utf8) })
        else {
            return
        }
        let text = line[(at + 8)...].prefix(160).map { (0x20...0x7E).contains($0) ? $0 : 0x3F }
        var shown = String(decoding: text, as: UTF8.self)
        for path in ["file:/proc/self/fd/0: ", "/proc/self/fd/0: "] where shown.hasPrefix(path) {
            shown.removeFirst(path.count)
        }
        while shown.last == "." || shown.last == " " { shown.removeLast() }
        firstError = shown
    }

    private mutating func takeTrack() {
        if line.containsText("Guessed Channel Layout"), let stream = Self.stream(behind: "#0.", in: line) {
            guessedLayouts.insert(stream)
        }
        if line.containsText("Stream #0:") { isInSound = false }
        if tracks.count < 1000, line.containsText(": Audio: ") {
            let text = String(decoding: line.drop { $0 != 0x5D }.dropFirst(), as: UTF8.self)
            guard let track = SoundTrack(text) else { return }
            tracks.append(track)
            isInSound = true
        } else if isInSound, line.containsText("DURATION"), tracks[tracks.count - 1].seconds == nil,
            let at = line.indices.first(where: { line[$0...].starts(with: ": ".utf8) })
        {
            tracks[tracks.count - 1].seconds = Self.clock(line[(at + 2)...])
        }
    }

    /// The number of a stream.
    private static func stream(behind words: String, in line: [UInt8]) -> Int? {
        guard let at = line.indices.first(where: { line[$0...].starts(with: words.utf8) }) else { return nil }
        return Int(
            String(decoding: line[(at + words.utf8.count)...].prefix { (0x30...0x39).contains($0) }, as: UTF8.self))
    }

    private static let noMemory = String(cString: strerror(ENOMEM))
    /// As `strerror` has them.
    private static let readErrors = [EIO, ESTALE, ETIMEDOUT, ENODEV, ENXIO].map { String(cString: strerror($0)) }

    /// As the end of a sentence that says what the file is, but ….
    static let unknownEncoding = "its sound has an encoding that the installed ffmpeg does not know"

    /// What ffmpeg's words mean to who has the file; nil where they tell nothing but that it is damaged.
    static func fault(in line: [UInt8]) -> String? {
        let known: [(words: String, fault: String)] = [
            ("moov atom not found", "damaged: its index is missing, so it was not recorded or copied to its end"),
            ("End of file", "damaged: it ends before the sound begins"),
            ("Could not find codec parameters", "damaged: how its sound is stored cannot be told"),
            ("not found for input stream", unknownEncoding),
            ("Unsupported codec", unknownEncoding),
            ("ncrypted", "protected against copying"),
            ("DRM protected", "protected against copying"),
            ("Cannot allocate memory", "decoding it needs more memory than a recording may"),
        ]
        return known.first { line.containsText($0.words) }?.fault
    }

    private static func number(behind words: String, in line: [UInt8]) -> Double? {
        guard let at = line.indices.first(where: { line[$0...].starts(with: words.utf8) }) else { return nil }
        return Double(String(decoding: line[(at + words.utf8.count)...].prefix { $0 != 0x2C }, as: UTF8.self))
    }

    /// `00:00:02.79`; nil for `N/A`.
    private static func clock(_ text: ArraySlice<UInt8>) -> Double? {
        let parts = text.prefix { $0 != 0x2C }.split(separator: 0x3A).map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 3, let hours = Double(parts[0]), let minutes = Double(parts[1]),
            let seconds = Double(parts[2])
        else { return nil }
        return hours * 3600 + minutes * 60 + seconds
    }
}
