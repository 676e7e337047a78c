/// ID3v2 tags in front of a recording.
package struct ID3Tags: Equatable {
    /// The place behind all tags that end within the file.
    package let end: Int64
    /// Another tag begins there and claims to be longer than the file.
    package let isOverrun: Bool

    package init(_ source: some ByteSource) {
        var at: Int64 = 0
        for _ in 0..<16 {
            let head = source.bytes(at: at, count: 10)
            guard head.count == 10, head.has("ID3"), head[3] < 0xFF, head[6...9].allSatisfy({ $0 < 0x80 }) else {
                break
            }
            let size = head[6...9].reduce(Int64(0)) { $0 << 7 | Int64($1) }
            let next = at + 10 + size + (head[5] & 0x10 != 0 ? 10 : 0)
            guard next <= source.size else {
                (end, isOverrun) = (at, true)
                return
            }
            at = next
        }
        (end, isOverrun) = (at, false)
    }
}
