import CLibcrypto

/// HMAC with SHA-256 (RFC 2104), by libcrypto.
package enum HMAC {
    /// The code of a message under a key of any length.
    package static func sha256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        let isMade = CLibcrypto.HMAC(
            EVP_sha256(), key, Int32(key.count), message, message.count, &code, &count)
        // Out of memory, or a libcrypto built without SHA-256.
        precondition(isMade != nil && count == 32, "libcrypto makes no HMAC")
        return code
    }
}
