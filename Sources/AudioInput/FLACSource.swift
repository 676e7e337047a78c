import AudioContainers

/// Where a FLAC stream is read from.
enum FLACSource: RecordingBytes {
    case plain(FileBytes)
    case paged(OggContents)

    var size: Int64 {
        switch self {
        case .plain(let file): file.size
        case .paged(let contents): contents.size
        }
    }

    var readError: CInt? {
        switch self {
        case .plain(let file): file.readError
        case .paged(let contents): contents.readError
        }
    }

    func read(at offset: Int64, into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
        switch self {
        case .plain(let file): file.read(at: offset, into: buffer, count: count)
        case .paged(let contents): contents.read(at: offset, into: buffer, count: count)
        }
    }

    func bytes(at offset: Int64, count: Int) -> [UInt8] {
        switch self {
        case .plain(let file): file.bytes(at: offset, count: count)
        case .paged(let contents): contents.bytes(at: offset, count: count)
        }
    }
}
