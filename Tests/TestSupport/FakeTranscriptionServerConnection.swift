import Glibc

/// One connection of `FakeTranscriptionServer`: reads requests, writes bytes. Used by one thread.
final class FakeConnection {
    let descriptor: CInt
    private var buffer: [UInt8] = []

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        var on: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
    }

    /// False at the end of the stream.
    private func fill() -> Bool {
        var piece = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            buffer += piece[..<count]
            return true
        }
    }

    /// The next request's line and header; nil when there is none.
    func readHeader() -> FakeTranscriptionServer.Request? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let found = buffer.firstRange(of: end) {
                let lines = String(decoding: buffer[..<found.lowerBound], as: UTF8.self).split(
                    whereSeparator: \.isNewline)
                buffer.removeSubrange(..<found.upperBound)
                let words = lines.first?.split(separator: " ") ?? []
                guard words.count == 3 else { return nil }
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    let value = line[line.index(after: colon)...].drop { $0 == " " }
                    headers[line[..<colon].lowercased()] = String(value)
                }
                return FakeTranscriptionServer.Request(
                    number: 0, connection: 0, numberOnConnection: 0, method: String(words[0]), path: String(words[1]),
                    headers: headers)
            }
            guard buffer.count < 1 << 16, fill() else { return nil }
        }
    }

    /// Reads the body and takes its form apart; false when it did not come whole.
    func readBody(of request: inout FakeTranscriptionServer.Request) -> Bool {
        let length = Int(request.headers["content-length"] ?? "0") ?? 0
        while buffer.count < length { guard fill() else { return false } }
        let body = Array(buffer[..<length])
        buffer.removeSubrange(..<length)
        if let type = request.headers["content-type"], let mark = type.firstRange(of: "boundary=") {
            parse(body, boundary: String(type[mark.upperBound...]), into: &request)
        } else {
            request.body = body
        }
        return true
    }

    private func parse(_ body: [UInt8], boundary: String, into request: inout FakeTranscriptionServer.Request) {
        let separator = Array("--\(boundary)".utf8)
        var rest = body[...]
        guard rest.starts(with: separator) else { return }
        rest = rest.dropFirst(separator.count)
        while rest.starts(with: [13, 10]) {
            rest = rest.dropFirst(2)
            guard let head = Self.find([13, 10, 13, 10], in: rest),
                let end = Self.find([13, 10] + separator, in: rest[(head + 4)...])
            else { return }
            let lines = String(decoding: rest[..<head], as: UTF8.self).split(whereSeparator: \.isNewline)
            let content = Array(rest[(head + 4)..<end])
            let name = Self.parameter("name", in: lines.first ?? "")
            request.partNames.append(name)
            if lines.first?.contains("filename=") == true {
                request.fileName = Self.parameter("filename", in: lines[0])
                request.fileType = lines.dropFirst().first.map { String($0.drop { $0 != ":" }.dropFirst(2)) } ?? ""
                request.audio = content
            } else {
                request.fields.append((name, String(decoding: content, as: UTF8.self)))
            }
            rest = rest[(end + 2 + separator.count)...]
        }
    }

    /// memmem(3) in Swift: `firstRange(of:)` is slow on megabytes without optimisation.
    private static func find(_ needle: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBytes { haystack in
            guard let base = haystack.baseAddress,
                let hit = memmem_(base, haystack.count, needle)
            else { return nil }
            return bytes.startIndex + hit
        }
    }

    private static func memmem_(_ base: UnsafeRawPointer, _ count: Int, _ needle: [UInt8]) -> Int? {
        var from = 0
        while from + needle.count <= count,
            let hit = memchr(base + from, CInt(needle[0]), count - from - needle.count + 1)
        {
            if memcmp(hit, needle, needle.count) == 0 { return UnsafeRawPointer(hit) - base }
            from = UnsafeRawPointer(hit) - base + 1
        }
        return nil
    }

    private static func parameter(_ name: String, in line: Substring) -> String {
        guard let mark = line.firstRange(of: " \(name)=\"") else { return "" }
        return String(line[mark.upperBound...].prefix { $0 != "\"" })
    }

    /// Reads and forgets up to `count` bytes.
    func skip(_ count: Int) {
        var left = count - buffer.count
        buffer = []
        while left > 0, fill() {
            left -= buffer.count
            buffer = []
        }
    }

    func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count, let base = buffer.baseAddress {
                let count = Glibc.send(descriptor, base + offset, buffer.count - offset, CInt(MSG_NOSIGNAL))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                offset += count
            }
            return true
        }
    }

    /// Makes the coming close a reset (RST).
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }
}
