import SystemPackage
import SystemSupport
import Testing

@Suite struct RawNameTests {
    @Test(
        arguments: [
            (Array("talk.mp3".utf8), "talk.mp3"), (Array("Besprechung März.ogg".utf8), "Besprechung März.ogg"),
            (Array("会議😀.wav".utf8), "会議😀.wav"), ([0x63, 0xE9, 0x2E, 0x77], "c\\xe9.w"), ([0xFF, 0xFE], "\\xff\\xfe"),
            (Array("a\nb".utf8), "a\\x0ab"), (Array("\u{1B}[31m".utf8), "\\x1b[31m"),
            (Array("gpj\u{202E}exe".utf8), "gpj\\xe2\\x80\\xaeexe"), ([0xE4, 0xBC], "\\xe4\\xbc"),
            (Array("é".utf8) + [0xC3], "é\\xc3"), ([], ""),
        ] as [([UInt8], String)])
    func printableShowsWhatCannotBeShown(bytes: [UInt8], text: String) {
        #expect(RawName(bytes: bytes).printable == text)
    }

    @Test func bytesSurviveTheWayThroughAPath() {
        let bytes = (1...255).map { UInt8($0) }.filter { $0 != 0x2F }
        #expect(RawName(RawName(bytes: bytes).path).bytes == bytes)
    }

    @Test func ordersByBytes() {
        #expect(RawName(bytes: [0x61]) < RawName(bytes: [0x61, 0x00]))
        #expect(RawName(bytes: [0x7F]) < RawName(bytes: [0x80]))
    }
}
