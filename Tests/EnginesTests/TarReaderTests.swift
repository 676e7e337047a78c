import Engines
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct TarReaderTests {
    /// What comes out, as `path:text`.
    private static func files(in archive: [UInt8], pieces: Int) throws -> (files: [String], isComplete: Bool) {
        var reader = TarReader()
        var files: [String] = []
        for start in stride(from: 0, to: archive.count, by: pieces) {
            try archive[start..<min(start + pieces, archive.count)].withUnsafeBytes { bytes in
                try reader.consume(bytes) { event in
                    switch event {
                    case .file(let path, _): files.append("\(path):")
                    case .bytes(let part): files[files.count - 1] += String(decoding: part, as: UTF8.self)
                    case .endOfFile: files[files.count - 1] += "."
                    }
                }
            }
        }
        return (files, reader.isComplete)
    }

    /// Longer than a header has room for; ustar has none for more than this.
    private static func longName(_ format: String) -> String {
        String(repeating: "long", count: format == "ustar" ? 24 : 30)
    }

    private static func archive(_ format: String, in folder: FilePath) async throws -> [UInt8] {
        let long = longName(format)
        try await TestAudioFile.run(
            "sh",
            [
                "-c",
                "cd '\(folder.string)' && mkdir model && printf hello >model/tokens.txt && : >model/empty && "
                    + "printf x >model/\(long) && ln -s /etc/passwd model/link && ln model/tokens.txt model/zhard && "
                    + "mkfifo model/pipe && tar --format=\(format) --sort=name -cf model.tar model",
            ])
        return try TestAudioFile.read(folder.appending("model.tar"))
    }

    @Test(arguments: ["gnu", "ustar", "pax"], [1, 512, 1000, 1 << 20])
    func plainFilesComeOutAndNothingElse(_ format: String, _ pieces: Int) async throws {
        try await withTemporaryDirectory { folder in
            let bytes = try await Self.archive(format, in: folder)
            let (files, isComplete) = try Self.files(in: bytes, pieces: pieces)
            let long = Self.longName(format)
            #expect(files.sorted() == ["model/empty:.", "model/\(long):x.", "model/tokens.txt:hello."])
            #expect(isComplete)
            // Cut off, it does not look whole.
            #expect(try !Self.files(in: Array(bytes[..<2000]), pieces: pieces).isComplete)
        }
    }

    @Test func whatIsNoArchiveIsRefused() {
        #expect(throws: TarReader.Garbage.self) { try Self.files(in: Array(repeating: 0x41, count: 2000), pieces: 100) }
    }
}
