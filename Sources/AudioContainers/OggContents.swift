/// What the pages of an Ogg file hold, joined, for streams whose contents tell by themselves where each piece belongs (FLAC).
package struct OggContents: RecordingBytes {
    /// A page's share.
    private struct Piece {
        /// Where it stands in what is joined.
        let start: Int64
        /// Where it stands in the file.
        let place: Int64
    }

    private let file: FileBytes
    private let pieces: [Piece]
    package let size: Int64
    /// 32 MiB of pieces.
    private static let maximumPieces = 1 << 21
    /// In front of a FLAC stream stands a mark of so many bytes (Ogg FLAC mapping 1.0).
    private static let flacMark: Int64 = 9

    /// Reads the heads of all pages. A page with a wrong checksum is taken with the rest: frames have their own.
    /// - Returns: nil where there are more pages than any recording has.
    package init?(of file: FileBytes, from start: Int64) {
        var pieces: [Piece] = []
        var size: Int64 = 0
        var at = start
        while at < file.size {
            guard let page = OggPage(file, at: at) else {
                guard let next = OggPage.next(in: file, after: at) else { break }
                at = next
                continue
            }
            guard pieces.count < Self.maximumPieces else { return nil }
            let isMarked = page.isFirst && file.bytes(at: page.contents, count: 5).has("FLAC", at: 1)
            let place = page.contents + (isMarked ? Self.flacMark : 0)
            let end = min(page.end, file.size)
            if end > place {
                pieces.append(Piece(start: size, place: place))
                size += end - place
            }
            at = page.end
        }
        self.file = file
        self.pieces = pieces
        self.size = size
    }

    package var readError: CInt? { file.readError }

    package func read(at offset: Int64, into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
        guard offset >= 0, offset < size, var index = index(of: offset) else { return 0 }
        var done = 0
        while done < count, index < pieces.count {
            let within = offset + Int64(done) - pieces[index].start
            let end = index + 1 < pieces.count ? pieces[index + 1].start : size
            let wanted = min(Int64(count - done), end - pieces[index].start - within)
            let got = file.read(at: pieces[index].place + within, into: buffer + done, count: Int(wanted))
            done += got
            guard Int64(got) == wanted else { break }
            index += 1
        }
        return done
    }

    package func bytes(at offset: Int64, count: Int) -> [UInt8] {
        guard count > 0, offset >= 0, offset < size else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = buffer.baseAddress.map { read(at: offset, into: UnsafeMutableRawPointer($0), count: count) } ?? 0
        }
    }

    private func index(of offset: Int64) -> Int? {
        var (low, high) = (0, pieces.count)
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].start <= offset { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }
}
