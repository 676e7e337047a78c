package import Transcription

/// Level 1: stored results by key, the least recently used thrown away first, bounded in bytes.
///
/// A doubly linked list threaded through an array of slots: links are indices, so nothing can form a retain cycle, and
/// every operation takes constant time.
package struct MemoryCache: Sendable {
    /// A stored result.
    package struct Entry: Sendable, Hashable {
        /// The result as JSON: what is stored is what was measured.
        package var value: [UInt8]
        /// Seconds since 1970.
        package var created: Int64

        package init(value: [UInt8], created: Int64) {
            self.value = value
            self.created = created
        }
    }

    private struct Slot {
        var key: CacheKey?
        var entry: Entry
        var newer: Int
        var older: Int
    }

    /// What a slot, its dictionary entry and two heap headers take beside the value.
    package static let overheadBytes: Int64 = 256
    private static let none = -1

    /// 0: nothing is kept.
    package let boundBytes: Int64
    /// Of the entries held, as stored.
    package private(set) var byteCount: Int64 = 0
    package var count: Int { places.count }

    private var places: [CacheKey: Int] = [:]
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var newest = Self.none
    private var oldest = Self.none

    package init(boundBytes: Int64) { self.boundBytes = boundBytes }

    /// The entry, which counts as used now.
    package mutating func entry(for key: CacheKey) -> Entry? {
        guard let place = places[key] else { return nil }
        if place != newest {
            unlink(place)
            link(place)
        }
        return slots[place].entry
    }

    /// Keeps an entry as the most recently used one and lets go of as many others as the bound asks for. One that would
    /// take more than half of the bound is not kept: it would cost too many others their place.
    package mutating func store(_ entry: Entry, for key: CacheKey) {
        remove(key)
        let size = Self.size(of: entry)
        guard size <= boundBytes / 2 else { return }
        while byteCount + size > boundBytes, oldest != Self.none, let key = slots[oldest].key { remove(key) }
        let slot = Slot(key: key, entry: entry, newer: Self.none, older: Self.none)
        let place: Int
        if let reused = free.popLast() {
            place = reused
            slots[place] = slot
        } else {
            place = slots.count
            slots.append(slot)
        }
        places[key] = place
        byteCount += size
        link(place)
    }

    package mutating func remove(_ key: CacheKey) {
        guard let place = places.removeValue(forKey: key) else { return }
        unlink(place)
        byteCount -= Self.size(of: slots[place].entry)
        slots[place] = Slot(key: nil, entry: Entry(value: [], created: 0), newer: Self.none, older: Self.none)
        free.append(place)
    }

    package mutating func removeAll() { self = MemoryCache(boundBytes: boundBytes) }

    /// Removes what `isFresh` refuses.
    package mutating func removeExpired(isFresh: (Int64) -> Bool) {
        for (key, place) in places where !isFresh(slots[place].entry.created) { remove(key) }
    }

    private static func size(of entry: Entry) -> Int64 { Int64(entry.value.count) + overheadBytes }

    private mutating func link(_ place: Int) {
        slots[place].older = newest
        slots[place].newer = Self.none
        if newest != Self.none { slots[newest].newer = place }
        newest = place
        if oldest == Self.none { oldest = place }
    }

    private mutating func unlink(_ place: Int) {
        let (newer, older) = (slots[place].newer, slots[place].older)
        if newer == Self.none { newest = older } else { slots[newer].older = older }
        if older == Self.none { oldest = newer } else { slots[older].newer = newer }
    }
}
