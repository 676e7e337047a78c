package import Transcription

/// Takes what must stay secret out of what a server says: the key, and user, password and query values of the addresses,
/// in whatever form a server gives them back: plain, percent-encoded, in HTML or JSON escapes, in Base64 (HTTP's Basic),
/// and in part.
package struct Redaction: Sendable {
    package static let mark = "[redacted]"

    /// A part of a secret is known by so many bytes in a row.
    private static let window = 8
    /// In a transcript chance must be ruled out: only so many bytes of a secret, or the whole of one that has fewer.
    private static let transcriptRun = 16
    /// Shorter ones are part of common words.
    private static let minimumLength = 4

    /// Each run of eight bytes of a secret, and how many in a row make it one in a transcript.
    private var windows: [UInt64: Int] = [:]
    /// Secrets that are shorter than a window: for messages only.
    private var short: [[UInt8]] = []

    /// - Parameter urls: as they were configured.
    package init(key: Secret?, urls: [String]) {
        if let key { add(key.revealed, basic: ["", ":"].map { $0 + key.revealed }) }
        for url in urls {
            for secret in URLParts.credentials(of: url) { add(secret.text, basic: secret.basic) }
        }
    }

    private mutating func add(_ secret: String, basic: [String]) {
        let plain = Array(secret.utf8)
        // What a whole group of three bytes does not fill depends on what follows.
        let encoded = basic.map { Base64.encode(Array($0.utf8)[..<($0.utf8.count / 3 * 3)]) }
        for bytes in [plain] + encoded {
            if bytes.count < Self.window {
                if bytes.count >= Self.minimumLength { short.append(bytes) }
                continue
            }
            let run = min(bytes.count, Self.transcriptRun)
            for start in 0...(bytes.count - Self.window) {
                let value = bytes[start..<start + Self.window].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                windows[value] = min(windows[value] ?? run, run)
            }
        }
    }

    /// For messages: any part of a secret goes.
    package func message(_ text: String) -> String { redacted(text, isTranscript: false) }

    /// For what goes into sidecars and cache.
    package func transcript(_ heard: ChunkTranscript) -> ChunkTranscript {
        guard !windows.isEmpty else { return heard }
        var heard = heard
        for at in heard.segments.indices {
            heard.segments[at].text = redacted(heard.segments[at].text, isTranscript: true)
            heard.segments[at].speaker = heard.segments[at].speaker.map(message)
            for word in heard.segments[at].words.indices {
                heard.segments[at].words[word].text = redacted(heard.segments[at].words[word].text, isTranscript: true)
                heard.segments[at].words[word].speaker = heard.segments[at].words[word].speaker.map(message)
            }
        }
        return heard
    }

    private func redacted(_ text: String, isTranscript: Bool) -> String {
        guard !windows.isEmpty || !short.isEmpty else { return text }
        let bytes = Array(text.utf8)
        var hidden: [Range<Int>] = []
        let asIs = bytes.indices.map { (byte: bytes[$0], range: $0..<$0 + 1) }
        for reading in [asIs, Self.unescaped(bytes)] {
            hidden += found(in: reading, isTranscript: isTranscript)
        }
        guard !hidden.isEmpty else { return text }
        var out: [UInt8] = []
        var at = 0
        for range in hidden.sorted(by: { $0.lowerBound < $1.lowerBound }) where range.upperBound > at {
            if range.lowerBound > at || at == 0 {
                out += bytes[at..<max(at, range.lowerBound)]
                out += Self.mark.utf8
            }
            at = range.upperBound
        }
        return String(decoding: out + bytes[at...], as: UTF8.self)
    }

    private typealias Reading = [(byte: UInt8, range: Range<Int>)]

    /// Where secrets stand, in places of the text.
    private func found(in reading: Reading, isTranscript: Bool) -> [Range<Int>] {
        var out: [Range<Int>] = []
        func hide(_ run: Range<Int>) {
            out.append(reading[run.lowerBound].range.lowerBound..<reading[run.upperBound - 1].range.upperBound)
        }
        var value: UInt64 = 0
        var open: (run: Range<Int>, least: Int)?
        func close() {
            if let open, !isTranscript || open.run.count >= open.least { hide(open.run) }
            open = nil
        }
        for at in reading.indices {
            value = value << 8 | UInt64(reading[at].byte)
            guard at + 1 >= Self.window, let least = windows[value] else { continue }
            let run = at + 1 - Self.window..<at + 1
            if let was = open, run.lowerBound <= was.run.upperBound {
                open = (was.run.lowerBound..<run.upperBound, min(was.least, least))
            } else {
                close()
                open = (run, least)
            }
        }
        close()
        guard !isTranscript else { return out }
        let plain = reading.map(\.byte)
        for secret in short { plain.ranges(of: secret).forEach(hide) }
        return out
    }

    /// With `%2F`, `&amp;` and `\"` read as what they stand for.
    private static func unescaped(_ bytes: [UInt8]) -> Reading {
        var out: Reading = []
        var at = 0
        while at < bytes.count {
            var (byte, length) = (bytes[at], 1)
            switch bytes[at] {
            case UInt8(ascii: "%") where at + 2 < bytes.count:
                if let decoded = hexadecimal(bytes[at + 1], bytes[at + 2]) { (byte, length) = (decoded, 3) }
            case UInt8(ascii: "\\") where at + 1 < bytes.count: (byte, length) = (bytes[at + 1], 2)
            case UInt8(ascii: "&"):
                let rest = bytes[at...].prefix(6)
                if let entity = entities.first(where: { rest.starts(with: $0.name.utf8) }) {
                    (byte, length) = (entity.byte, entity.name.utf8.count)
                }
            default: break
            }
            out.append((byte, at..<at + length))
            at += length
        }
        return out
    }

    private static let entities: [(name: String, byte: UInt8)] = [
        ("&amp;", UInt8(ascii: "&")), ("&lt;", UInt8(ascii: "<")), ("&gt;", UInt8(ascii: ">")),
        ("&quot;", UInt8(ascii: "\"")), ("&#34;", UInt8(ascii: "\"")), ("&#39;", UInt8(ascii: "'")),
        ("&#x27;", UInt8(ascii: "'")),
    ]

    private static func hexadecimal(_ high: UInt8, _ low: UInt8) -> UInt8? {
        UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
    }

    /// `%2F` read as what it stands for; the text itself where that is no UTF-8.
    static func percentDecoded(_ text: String) -> String {
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"),
                let decoded = rest.prefix(2).count == 2
                    ? hexadecimal(rest[rest.startIndex], rest[rest.startIndex + 1]) : nil
            {
                out.append(decoded)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return String(validating: out, as: UTF8.self) ?? text
    }
}

/// RFC 4648, without padding: whole groups only.
private enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        for at in stride(from: bytes.startIndex, to: bytes.endIndex - 2, by: 3) {
            let group = UInt32(bytes[at]) << 16 | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2])
            for shift in [18, 12, 6, 0] { out.append(alphabet[Int(group >> UInt32(shift)) & 63]) }
        }
        return out
    }
}

extension URLParts {
    /// What an address holds besides the way to the server: the password (a user's name alone is one, too), and the values
    /// of the query, but for a version of the interface. `basic`: as HTTP's Basic authentication joins them.
    fileprivate static func credentials(of url: String) -> [(text: String, basic: [String])] {
        guard let parts = URLParts(url) else { return [] }
        var out: [(text: String, basic: [String])] = []
        if let user = parts.user.map(Redaction.percentDecoded) {
            let password = parts.password.map(Redaction.percentDecoded)
            out.append((password ?? user, ["\(user):\(password ?? "")"]))
        }
        for field in (parts.query ?? "").split(separator: "&") {
            let parts = field.split(separator: "=", maxSplits: 1)
            guard let value = parts.last, parts.count == 1 || !parts[0].lowercased().hasSuffix("version") else {
                continue
            }
            out.append((Redaction.percentDecoded(String(value)), []))
        }
        return out
    }
}
