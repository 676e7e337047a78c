import Glibc
import Inbox
import SystemSupport
import Testing

@Suite struct InotifyEventTests {
    /// A record as inotify(7) lays it out, its name padded with NULs to `room`.
    private static func record(_ watch: Int32, _ mask: UInt32, _ name: [UInt8] = [], room: Int? = nil) -> [UInt8] {
        let room = room ?? (name.isEmpty ? 0 : (name.count + 16) & ~15)
        var out: [UInt8] = []
        for word in [UInt32(bitPattern: watch), mask, 0, UInt32(room)] {
            out += withUnsafeBytes(of: word) { Array($0) }
        }
        return out + name + [UInt8](repeating: 0, count: room - name.count)
    }

    private static func parse(_ bytes: [UInt8]) -> [InotifyEvent] { bytes.withUnsafeBytes { InotifyEvent.parse($0) } }

    @Test func severalRecordsWithAndWithoutNames() {
        let latin: [UInt8] = [0x63, 0x61, 0x66, 0xE9]
        let events = Self.parse(
            Self.record(1, UInt32(IN_CREATE), Array("talk.wav".utf8)) + Self.record(2, UInt32(IN_DELETE_SELF))
                + Self.record(3, UInt32(IN_MOVED_TO), latin))
        #expect(events.map(\.watch) == [1, 2, 3])
        #expect(events.map(\.mask) == [UInt32(IN_CREATE), UInt32(IN_DELETE_SELF), UInt32(IN_MOVED_TO)])
        #expect(events.map(\.name) == [RawName(bytes: "talk.wav".utf8), nil, RawName(bytes: latin)])
    }

    @Test func aNameThatFillsItsRoom() {
        let name = [UInt8](repeating: 0x61, count: 16)
        #expect(Self.parse(Self.record(1, 0, name, room: 16)).first?.name == RawName(bytes: name))
    }

    @Test func overflowHasNoWatch() {
        let events = Self.parse(Self.record(-1, UInt32(IN_Q_OVERFLOW)))
        #expect(events.count == 1)
        #expect(events.first?.watch == -1)
        #expect(events.first?.name == nil)
    }

    @Test func aTruncatedRecordEndsTheListAndReadsNothingBeyondIt() {
        let whole = Self.record(1, 2, Array("a.wav".utf8)) + Self.record(7, 2, Array("b.wav".utf8))
        for length in 0...whole.count {
            let events = Self.parse(Array(whole.prefix(length)))
            #expect(events.count == (length == whole.count ? 2 : length >= whole.count / 2 ? 1 : 0))
        }
        // A length that promises more than the whole memory.
        var lying = Self.record(1, 2)
        lying.replaceSubrange(12..<16, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(Self.parse(lying).isEmpty)
    }
}
