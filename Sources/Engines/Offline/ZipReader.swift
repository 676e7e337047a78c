import CZlib
import Glibc
import SystemPackage
import SystemSupport

/// Takes the files out of a `.zip`, by the list at its end. Blocks. Stored and deflated files, also of more than 4 GB, are
/// read; encrypted ones and archives in several parts are not.
struct ZipReader {
    /// Why it cannot be read, as the end of a sentence about the archive.
    struct Fault: Error { let reason: String }

    /// A plain file; the path is as it stands in the archive, and not to be trusted.
    struct Entry: Equatable {
        var path: [UInt8]
        var byteCount: Int64
        fileprivate var packedBytes: Int64
        fileprivate var offset: Int64
        fileprivate var method: UInt16
        fileprivate var checksum: UInt32
        fileprivate var isEncrypted: Bool
    }

    private static let maximumListBytes: Int64 = 16 << 20
    private static let pieceBytes = 256 << 10
    /// What 16 and 32 bits cannot hold stands elsewhere then.
    private static let (elsewhere16, elsewhere32) = (UInt16.max, UInt32.max)

    private let file: CInt
    private let fileBytes: Int64
    /// In the order of the list. Folders, links and devices are left out.
    let entries: [Entry]

    /// - Parameter file: stays open as long as this is used.
    /// - Throws: `Fault`, `SystemError`.
    init(_ file: FileDescriptor) throws {
        self.file = file.rawValue
        fileBytes = try FileStatus(of: file).identity.byteCount
        let list = try Self.list(self.file, fileBytes)
        entries = try Self.entries(in: try Self.bytes(self.file, list.offset, Int(list.byteCount)), count: list.count)
    }

    // MARK: The list

    private static func list(
        _ file: CInt, _ fileBytes: Int64
    ) throws -> (offset: Int64, byteCount: Int64, count: Int64) {
        // The end has 22 bytes and a comment, whose length it tells.
        let tailBytes = min(fileBytes, 22 + 0xFFFF)
        let tail = try bytes(file, fileBytes - tailBytes, Int(tailBytes))
        guard
            let at = stride(from: tail.count - 22, through: 0, by: -1).first(where: {
                tail.number32(at: $0) == 0x0605_4B50 && $0 + 22 + Int(tail.number16(at: $0 + 20)) == tail.count
            })
        else { throw Fault(reason: "is damaged or not whole") }
        var (count, byteCount, offset) = (
            Int64(tail.number16(at: at + 10)), Int64(tail.number32(at: at + 12)), Int64(tail.number32(at: at + 16))
        )
        guard tail.number16(at: at + 4) == tail.number16(at: at + 6) else {
            throw Fault(reason: "is one part of several")
        }
        if count == elsewhere16 || byteCount == elsewhere32 || offset == elsewhere32, at >= 20,
            tail.number32(at: at - 20) == 0x0706_4B50
        {
            let place = tail.number64(at: at - 12)
            guard place >= 0, place <= fileBytes - 56 else { throw Fault(reason: "is damaged") }
            let end = try bytes(file, place, 56)
            guard end.number32(at: 0) == 0x0606_4B50 else { throw Fault(reason: "is damaged") }
            (count, byteCount, offset) = (end.number64(at: 32), end.number64(at: 40), end.number64(at: 48))
        }
        guard byteCount >= 0, byteCount <= maximumListBytes, offset >= 0, offset <= fileBytes - byteCount, count >= 0,
            count <= byteCount / 46
        else { throw Fault(reason: "is damaged, or is no model: its list of files makes no sense") }
        return (offset, byteCount, count)
    }

    private static func entries(in list: [UInt8], count: Int64) throws -> [Entry] {
        var entries: [Entry] = []
        var at = 0
        for _ in 0..<count {
            guard at + 46 <= list.count, list.number32(at: at) == 0x0201_4B50 else { throw Fault(reason: "is damaged") }
            let lengths = [28, 30, 32].map { Int(list.number16(at: at + $0)) }
            let next = at + 46 + lengths.reduce(0, +)
            guard next <= list.count else { throw Fault(reason: "is damaged") }
            var entry = Entry(
                path: Array(list[at + 46..<at + 46 + lengths[0]]), byteCount: Int64(list.number32(at: at + 24)),
                packedBytes: Int64(list.number32(at: at + 20)), offset: Int64(list.number32(at: at + 42)),
                method: list.number16(at: at + 10), checksum: list.number32(at: at + 16),
                isEncrypted: list.number16(at: at + 8) & 1 != 0)
            let extra = at + 46 + lengths[0]
            try entry.takeLargeNumbers(from: list[extra..<extra + lengths[1]])
            // Made on Unix: the upper half is the mode of stat(2).
            let mode = list[at + 5] == 3 ? UInt32(list.number16(at: at + 40)) & S_IFMT : 0
            if (mode == 0 || mode == S_IFREG) && entry.path.last != UInt8(ascii: "/") { entries.append(entry) }
            at = next
        }
        return entries
    }

    // MARK: A file

    /// - Parameter body: is given the file's bytes, in parts that are valid during the call.
    /// - Throws: `Fault`, `SystemError`; what `body` throws.
    func read(_ entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard !entry.isEncrypted else { throw Fault(reason: "is encrypted") }
        guard entry.method == 0 || entry.method == 8 else {
            throw Fault(reason: "is packed in a way that is not known here (\(entry.method))")
        }
        guard entry.packedBytes >= 0, entry.byteCount >= 0, entry.offset >= 0, entry.offset <= fileBytes - 30 else {
            throw Fault(reason: "is damaged")
        }
        let header = try Self.bytes(file, entry.offset, 30)
        let start = entry.offset + 30 + Int64(header.number16(at: 26)) + Int64(header.number16(at: 28))
        guard header.number32(at: 0) == 0x0403_4B50, start <= fileBytes - entry.packedBytes else {
            throw Fault(reason: "is damaged or not whole")
        }
        var left = entry.byteCount
        var checksum = crc32(0, nil, 0)
        let take = { (bytes: UnsafeRawBufferPointer) throws in
            left -= Int64(bytes.count)
            guard left >= 0 else { throw Fault(reason: "is damaged: a file in it is longer than it says") }
            checksum = crc32(checksum, bytes.bindMemory(to: UInt8.self).baseAddress, uInt(bytes.count))
            try body(bytes)
        }
        var inflater = entry.method == 8 ? try Inflater(pieceBytes: Self.pieceBytes) : nil
        var at = start
        while at < start + entry.packedBytes {
            let piece = try Self.bytes(file, at, Int(min(Int64(Self.pieceBytes), start + entry.packedBytes - at)))
            at += Int64(piece.count)
            if inflater != nil {
                try inflater?.inflate(piece, take)
            } else {
                try piece.withUnsafeBytes(take)
            }
        }
        guard left == 0, inflater?.isComplete ?? true, UInt32(truncatingIfNeeded: checksum) == entry.checksum else {
            throw Fault(reason: "is damaged: a file in it does not have its checksum")
        }
    }

    private static func bytes(_ file: CInt, _ offset: Int64, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let read = bytes.withUnsafeMutableBytes { buffer in
                pread(file, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset) + off_t(done))
            }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw SystemError("pread", errno: Errno(rawValue: errno)) }
            guard read > 0 else { throw Fault(reason: "is not whole") }
            done += read
        }
        return bytes
    }
}

/// The one owner of zlib's state for one file.
private struct Inflater: ~Copyable {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var isComplete = false

    init(pieceBytes: Int) throws {
        stream.initialize(to: z_stream())
        buffer = .allocate(byteCount: pieceBytes, alignment: 16)
        guard czlib_begin(stream) == Z_OK else { throw SystemError("inflateInit2", errno: .noMemory) }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        buffer.deallocate()
    }

    mutating func inflate(_ piece: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var piece = piece
        try piece.withUnsafeMutableBufferPointer { bytes in
            stream.pointee.next_in = bytes.baseAddress
            stream.pointee.avail_in = uInt(bytes.count)
            repeat {
                stream.pointee.next_out = buffer.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_out = uInt(buffer.count)
                let status = CZlib.inflate(stream, Z_NO_FLUSH)
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR, !isComplete else {
                    throw ZipReader.Fault(reason: "is damaged")
                }
                isComplete = status == Z_STREAM_END
                try body(UnsafeRawBufferPointer(rebasing: buffer[..<(buffer.count - Int(stream.pointee.avail_out))]))
            } while !isComplete && stream.pointee.avail_out == 0
            guard stream.pointee.avail_in == 0 else { throw ZipReader.Fault(reason: "is damaged") }
        }
    }
}

extension ZipReader.Entry {
    /// Of a file of 4 GB and more, or behind so much: an extra field has those numbers that have no room, in this order.
    fileprivate mutating func takeLargeNumbers(from extra: ArraySlice<UInt8>) throws {
        let isLarge = [byteCount, packedBytes, offset].map { $0 == Int64(UInt32.max) }
        guard isLarge.contains(true) else { return }
        var at = extra.startIndex
        while at + 4 <= extra.endIndex {
            let length = Int(extra.number16(at: at + 2))
            guard extra.number16(at: at) == 1 else {
                at += 4 + length
                continue
            }
            var from = at + 4
            let end = min(from + length, extra.endIndex)
            func next(_ isLarge: Bool, _ value: inout Int64) {
                guard isLarge, from + 8 <= end else { return }
                value = extra.number64(at: from)
                from += 8
            }
            next(isLarge[0], &byteCount)
            next(isLarge[1], &packedBytes)
            next(isLarge[2], &offset)
            return
        }
    }
}

// Numbers of .zip, the least byte first. The caller has looked that there are so many bytes.
extension RandomAccessCollection<UInt8> where Index == Int {
    fileprivate func number16(at index: Int) -> UInt16 { UInt16(self[index]) | UInt16(self[index + 1]) << 8 }
    fileprivate func number32(at index: Int) -> UInt32 {
        UInt32(number16(at: index)) | UInt32(number16(at: index + 2)) << 16
    }
    fileprivate func number64(at index: Int) -> Int64 {
        Int64(bitPattern: UInt64(number32(at: index)) | UInt64(number32(at: index + 4)) << 32)
    }
}
