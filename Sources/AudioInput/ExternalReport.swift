import Glibc

/// What ffmpeg writes to its standard error, with `-v level+info`.
struct ExternalReport {
    /// Length by the container.
    private(set) var seconds: Double?
    /// That length is a guess by the bit rate.
    private(set) var isLengthEstimated = false
    /// It speaks of an error of reading, which a damaged file may be the reason of, too.
    private(set) var mentionsReadError = false
    /// The first line that reports an error, fit to be shown.
    private(set) var firstError: String?
    /// The file has no audio track.
    private(set) var sawNoAudio = false
    private var line: [UInt8] = []

    init() {}

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            if byte == 0x0A {
                take()
            } else if line.count < 500 {
                line.append(byte)
            }
        }
    }

    private mutating func take() {
        defer { line.removeAll(keepingCapacity: true) }
        if seconds == nil, let at = line.indices.first(where: { line[$0...].starts(with: "Duration: ".utf8) }) {
            seconds = Self.clock(line[(at + 10)...])
        }
        if line.containsText("matches no streams") { sawNoAudio = true }
        if line.containsText("Estimating duration from bitrate") { isLengthEstimated = true }
        if !mentionsReadError { mentionsReadError = Self.readErrors.contains { line.containsText($0) } }
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

    /// As `strerror` has them.
    private static let readErrors = [EIO, ESTALE, ETIMEDOUT, ENODEV, ENXIO].map { String(cString: strerror($0)) }

    /// `00:00:02.79`; nil for `N/A`.
    private static func clock(_ text: ArraySlice<UInt8>) -> Double? {
        let parts = text.prefix { $0 != 0x2C }.split(separator: 0x3A).map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 3, let hours = Double(parts[0]), let minutes = Double(parts[1]),
            let seconds = Double(parts[2])
        else { return nil }
        return hours * 3600 + minutes * 60 + seconds
    }
}
