import CLibcrypto

/// A streaming SHA-256 by libcrypto (EVP): the system's own, with its security updates.
package struct SHA256: ~Copyable {
    private let context: OpaquePointer

    package init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("libcrypto has no SHA-256")  // out of memory, or a libcrypto built without it
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        EVP_DigestUpdate(context, base, bytes.count)
    }

    /// As UTF-8.
    package mutating func update(_ text: String) {
        var text = text
        text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    /// The digest of all that was given; the value is used up.
    package consuming func finish() -> Digest {
        var out = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(context, &out, nil)
        return Digest(bytes: out)
    }

    /// The digest of one piece.
    package static func digest(of bytes: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }
}

/// 32 bytes of SHA-256.
package struct Digest: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 32 of them.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// Lower-case hexadecimal, 64 characters.
    package var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = Array(try container.decode(String.self).utf8)
        func value(_ c: UInt8) -> UInt8? {
            switch c {
            case 48...57: c - 48
            case 97...102: c - 87
            default: nil
            }
        }
        var bytes: [UInt8] = []
        for at in stride(from: 0, to: text.count - 1, by: 2) {
            guard let high = value(text[at]), let low = value(text[at + 1]) else { break }
            bytes.append(high << 4 | low)
        }
        guard bytes.count == 32, text.count == 64 else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a SHA-256 in hexadecimal")
        }
        self.bytes = bytes
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
