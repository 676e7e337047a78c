import Testing
import TranscriptCache
import Transcription

@Suite struct MemoryCacheTests {
    private let each = 1000 + MemoryCache.overheadBytes

    @Test func minimumRecentlyUsedGoesFirst() {
        var cache = MemoryCache(boundBytes: 3 * each)
        for name in ["a", "b", "c"] { cache.store(bytes(1000), for: key(name)) }
        _ = cache.entry(for: key("a"))
        cache.store(bytes(1000), for: key("d"))
        #expect(cache.entry(for: key("b")) == nil)
        for name in ["a", "c", "d"] { #expect(cache.entry(for: key(name)) != nil, "\(name)") }
    }

    @Test func isBoundedInBytes() {
        var cache = MemoryCache(boundBytes: 10 * each)
        for i in 0..<500 {
            cache.store(bytes(i % 7 * 500), for: key("\(i)"))
            #expect(cache.byteCount <= 10 * each)
        }
        #expect(cache.count > 3)
        for i in 0..<500 { cache.remove(key("\(i)")) }
        #expect(cache.byteCount == 0)
        #expect(cache.count == 0)
    }

    @Test func replacingCountsOnce() {
        var cache = MemoryCache(boundBytes: 10 * each)
        cache.store(bytes(2000), for: key("a"))
        cache.store(bytes(1000), for: key("a"))
        #expect(cache.byteCount == each)
        #expect(cache.entry(for: key("a"))?.value.count == 1000)
    }

    @Test func anEntryThatWouldPushOutHalfOfTheRestIsNotKept() {
        var cache = MemoryCache(boundBytes: 10 * each)
        cache.store(bytes(1000), for: key("a"))
        cache.store(bytes(Int(6 * each)), for: key("large"))
        #expect(cache.entry(for: key("large")) == nil)
        #expect(cache.entry(for: key("a")) != nil)
    }

    @Test func aBoundOfZeroKeepsNothing() {
        var cache = MemoryCache(boundBytes: 0)
        cache.store(bytes(0), for: key("a"))
        #expect(cache.count == 0)
    }

    /// Against a plain list, which is slow and obviously right.
    @Test func behavesAsAList() {
        var generator = SystemRandomNumberGenerator()
        var cache = MemoryCache(boundBytes: 8 * each)
        var list: [String] = []  // newest last
        for _ in 0..<3000 {
            let name = "\(Int.random(in: 0..<20, using: &generator))"
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1:
                cache.store(bytes(1000), for: key(name))
                list.removeAll { $0 == name }
                list.append(name)
                if list.count > 8 { list.removeFirst() }
            case 2, 3:
                #expect((cache.entry(for: key(name)) != nil) == list.contains(name))
                if list.contains(name) {
                    list.removeAll { $0 == name }
                    list.append(name)
                }
            default:
                cache.remove(key(name))
                list.removeAll { $0 == name }
            }
            #expect(cache.count == list.count)
        }
    }
}
