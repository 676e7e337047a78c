import Glibc
import SystemPackage
import SystemSupport

/// What an `.onnx` file says of itself: texts with names, at the top level of its protobuf. Blocks, for a few reads: the
/// network is passed over.
enum ONNXMetadata {
    /// ModelProto.metadata_props, a StringStringEntryProto each with `key` 1 and `value` 2.
    private static let entryField: UInt64 = 14
    private static let maximumFields = 10_000
    private static let maximumEntry: Int64 = 64 << 10

    /// Empty where the file cannot be read or is something else. Longer entries are left out.
    static func read(_ path: FilePath) -> [String: String] {
        guard let file = try? OwnedDescriptor(opening: path, flags: O_RDONLY | O_NONBLOCK),
            let status = try? FileStatus(of: file.descriptor), status.kind == .regular
        else { return [:] }
        let size = status.identity.byteCount
        var entries: [String: String] = [:]
        var at: Int64 = 0
        for _ in 0..<maximumFields where at < size {
            let head = bytes(of: file.descriptor, at: at, count: 20)[...]
            guard let field = Field(head) else { break }
            let start = at + Int64(field.headerBytes)
            guard field.bodyBytes >= 0, field.bodyBytes <= size - start else { break }
            if field.number == entryField, field.isBytes, field.bodyBytes <= maximumEntry {
                let body = bytes(of: file.descriptor, at: start, count: Int(field.bodyBytes))
                if let (key, value) = entry(body[...]) { entries[key] = value }
            }
            at = start + field.bodyBytes
        }
        return entries
    }

    private static func bytes(of file: FileDescriptor, at offset: Int64, count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let read = pread(file.rawValue, &buffer, count, off_t(offset))
        return Array(buffer.prefix(max(0, read)))
    }

    private static func entry(_ body: ArraySlice<UInt8>) -> (String, String)? {
        var rest = body
        var (key, value): (String?, String) = (nil, "")
        while let field = Field(rest), field.isBytes {
            rest = rest.dropFirst(field.headerBytes)
            guard field.bodyBytes >= 0, field.bodyBytes <= rest.count else { return nil }
            let text = String(decoding: rest.prefix(Int(field.bodyBytes)), as: UTF8.self)
            if field.number == 1 { key = text }
            if field.number == 2 { value = text }
            rest = rest.dropFirst(Int(field.bodyBytes))
        }
        return key.map { ($0, value) }
    }

    /// The head of a field of protobuf.
    private struct Field {
        var number: UInt64
        var isBytes: Bool
        var headerBytes: Int
        /// Behind the header.
        var bodyBytes: Int64

        /// Nil where there is none, or of a kind that is not in use.
        init?(_ bytes: ArraySlice<UInt8>) {
            guard let (tag, tagBytes) = Self.number(bytes) else { return nil }
            number = tag >> 3
            isBytes = tag & 7 == 2
            headerBytes = tagBytes
            switch tag & 7 {
            case 0:
                guard let (_, count) = Self.number(bytes.dropFirst(tagBytes)) else { return nil }
                bodyBytes = Int64(count)
            case 1: bodyBytes = 8
            case 2:
                guard let (length, count) = Self.number(bytes.dropFirst(tagBytes)) else { return nil }
                headerBytes += count
                bodyBytes = Int64(clamping: length)
            case 5: bodyBytes = 4
            default: return nil
            }
        }

        /// Seven bits a byte, the least first; the eighth says that more come.
        private static func number(_ bytes: ArraySlice<UInt8>) -> (value: UInt64, count: Int)? {
            var value: UInt64 = 0
            for (at, byte) in bytes.prefix(10).enumerated() {
                value |= UInt64(byte & 0x7F) << UInt64(7 * at)
                if byte < 0x80 { return (value, at + 1) }
            }
            return nil
        }
    }
}
