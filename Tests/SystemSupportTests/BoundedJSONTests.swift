import SystemSupport
import Testing

@Suite struct BoundedJSONTests {
    /// Reads its own list as deep as it goes, and ignores everything else.
    private struct Tree: Decodable {
        let below: [Tree]?
    }

    private static func tree(_ levels: Int) -> String {
        // A table and a list are two levels.
        String(repeating: "{\"below\":[", count: levels / 2) + String(repeating: "]}", count: levels / 2)
    }

    private static func decoded(_ text: String) -> Tree? { BoundedJSON.decode(Tree.self, from: Array(text.utf8)) }

    @Test func whatNestsTooDeeplyHoldsNoValue() {
        #expect(Self.decoded(Self.tree(64)) != nil)
        for levels in [66, 500, 6000, 1_000_000] { #expect(Self.decoded(Self.tree(levels)) == nil) }
        #expect(Self.decoded("{\"other\":" + String(repeating: "[", count: 64)) == nil)
        // Not counted: what stands in strings, and what lies side by side.
        let brackets = String(repeating: "[{\\\"", count: 200)
        let flat = "{\"x\":\"\(brackets)\",\"y\":[" + String(repeating: "[],", count: 200) + "[]]}"
        #expect(Self.decoded(flat) != nil)
        // A quote that is none does not hide what follows.
        let hidden =
            "{\"x\":\"\\\\\",\"y\":" + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + "}"
        #expect(Self.decoded(hidden) == nil)
    }

    @Test func otherEncodingsHideNothing() {
        let deep = Self.tree(1000).utf16
        let little = deep.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        for bytes in [[0xFF, 0xFE] + little, little] { #expect(BoundedJSON.decode(Tree.self, from: bytes) == nil) }
    }

    /// Smaller than any thread of the program has, without optimisation.
    @Test func theBoundFitsASmallStack() {
        let done = ThreadSignal()
        Thread.start(name: "small", stackBytes: 256 << 10) {
            #expect(Self.decoded(Self.tree(64)) != nil)
            done.signal()
        }
        #expect(done.wait(seconds: 600))
    }
}
