import CZlib

/// Files in one, as PKWARE's APPNOTE 6.3 describes it, as far as documents need that: no encryption, no ZIP64, names of
/// ASCII. The same files give the same bytes, since every time stamp is the earliest that the format has.
struct ZipArchive {
    private struct Entry {
        let name: [UInt8]
        let method: UInt16
        let checksum: UInt32
        let packedCount: UInt32
        let count: UInt32
        let offset: UInt32
    }

    private static let stored: UInt16 = 0
    private static let deflated: UInt16 = 8
    /// Version 2.0, the first with deflate.
    private static let version: UInt16 = 20
    /// 1 January 1980, midnight.
    private static let date: UInt16 = 1 << 5 | 1
    private static let level: Int32 = 6

    private var out: [UInt8] = []
    private var entries: [Entry] = []

    /// - Parameter isStored: it is not packed, so that programs that look at the file's beginning find it there.
    mutating func add(_ name: String, _ bytes: [UInt8], isStored: Bool = false) {
        let packed = isStored ? nil : Self.packed(bytes)
        let body = packed ?? bytes
        let entry = Entry(
            name: Array(name.utf8), method: packed == nil ? Self.stored : Self.deflated,
            checksum: Self.checksum(bytes), packedCount: UInt32(body.count), count: UInt32(bytes.count),
            offset: UInt32(out.count))
        out.append(little: UInt32(0x0403_4B50))
        append(common: entry)
        out.append(contentsOf: entry.name)
        out.append(contentsOf: body)
        entries.append(entry)
    }

    /// With the directory at its end.
    func finished() -> [UInt8] {
        var archive = self
        for entry in entries {
            archive.out.append(little: UInt32(0x0201_4B50))
            archive.out.append(little: Self.version)
            archive.append(common: entry)
            archive.out.append(contentsOf: [UInt8](repeating: 0, count: 10))  // comment, disk, attributes
            archive.out.append(little: entry.offset)
            archive.out.append(contentsOf: entry.name)
        }
        let directory = UInt32(archive.out.count - out.count)
        archive.out.append(little: UInt32(0x0605_4B50))
        archive.out.append(little: UInt32(0))  // disks
        archive.out.append(little: UInt16(entries.count))
        archive.out.append(little: UInt16(entries.count))
        archive.out.append(little: directory)
        archive.out.append(little: UInt32(out.count))
        archive.out.append(little: UInt16(0))  // comment
        return archive.out
    }

    /// What a file's own header and the directory have in common.
    private mutating func append(common entry: Entry) {
        for value in [Self.version, 0, entry.method, 0, Self.date] { out.append(little: value) }
        for value in [entry.checksum, entry.packedCount, entry.count] { out.append(little: value) }
        out.append(little: UInt16(entry.name.count))
        out.append(little: UInt16(0))  // extra fields
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        UInt32(truncatingIfNeeded: bytes.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) })
    }

    /// Nil where it would not get smaller.
    private static func packed(_ bytes: [UInt8]) -> [UInt8]? {
        var count = compressBound(uLong(bytes.count))
        let packed = [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, used in
            let status = compress2(buffer.baseAddress, &count, bytes, uLong(bytes.count), level)
            used = status == Z_OK ? Int(count) : 0
        }
        // compress2 puts two bytes before the bare stream and a checksum of four behind it (RFC 1950).
        guard packed.count > 6, packed.count - 6 < bytes.count else { return nil }
        return Array(packed[2..<packed.count - 4])
    }
}

extension [UInt8] {
    fileprivate mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
