import FoundationEssentials
import SystemSupport
import Testing

@Suite struct SHA256Tests {
    /// Vectors of FIPS 180-4's examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func knownVectors(text: String, digest: String) {
        var hash = SHA256()
        hash.update(text)
        #expect(hash.finish().description == digest)
    }

    @Test func aMillionLettersInPieces() {
        var hash = SHA256()
        let piece = [UInt8](repeating: 0x61, count: 1000)
        for _ in 0..<1000 { piece.withUnsafeBytes { hash.update($0) } }
        #expect(
            hash.finish().description == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func digestsTravelAsHexadecimal() throws {
        let digest = Array("abc".utf8).withUnsafeBytes { SHA256.digest(of: $0) }
        let data = try JSONEncoder().encode([digest])
        #expect(try JSONDecoder().decode([Digest].self, from: data) == [digest])
        let wrong = [
            "\"\"", "\"00\"", "\"" + String(repeating: "0", count: 63) + "\"",
            "\"" + String(repeating: "g", count: 64) + "\"",
            "\"" + String(repeating: "A", count: 64) + "\"", "\"" + String(repeating: "0", count: 65) + "\"",
        ]
        for text in wrong {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode([Digest].self, from: Data("[\(text)]".utf8))
            }
        }
    }
}
