import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Archives that somebody else has made, with what an attacker would put in.
@Suite(.timeLimit(.minutes(20))) struct ModelArchiveTests {
    private static let file = RandomModels.small

    private static func place(_ folder: FilePath) async throws -> Workplace {
        let place = try Workplace(
            folder,
            """
            [engines.offline]
            models_directory = "\(folder.string)/models"
            """)
        try await RandomModels.make(in: folder.appending("made"))
        return place
    }

    /// What all scripts begin with: the two files of the model are `model` and `tokens`.
    private static let beginning = """
        import io, os, struct, sys, tarfile, zipfile, warnings
        warnings.simplefilter("ignore")
        folder, name = sys.argv[1:]
        model, tokens = (open(f"{folder}/made/{name}/{file}", "rb").read() for file in ("model.onnx", "tokens.txt"))

        def entry(path, mode=0o100644):
            info = zipfile.ZipInfo(path)
            info.external_attr = mode << 16
            info.create_system = 3
            return info

        def pack(files, method=zipfile.ZIP_DEFLATED):
            with zipfile.ZipFile(f"{folder}/{name}.zip", "w", method) as archive:
                for path, data in files:
                    archive.writestr(path, data, method)

        def change(edit):
            with open(f"{folder}/{name}.zip", "rb") as source: data = bytearray(source.read())
            data = edit(data) or data
            with open(f"{folder}/{name}.zip", "wb") as target: target.write(data)

        def tar(files):
            with tarfile.open(f"{folder}/{name}.tar.gz", "w:gz") as archive:
                for path, kind, data in files:
                    info = tarfile.TarInfo(path)
                    info.type, info.size = kind, len(data) if kind == tarfile.REGTYPE else 0
                    info.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else "model.onnx"
                    archive.addfile(info, io.BytesIO(data) if kind == tarfile.REGTYPE else None)

        both = [(f"{name}/model.onnx", model), (f"{name}/tokens.txt", tokens)]
        plain = [(path, tarfile.REGTYPE, data) for path, data in both]

        """

    private static func make(_ script: String, in place: Workplace) async throws {
        try await TestAudioFile.run("python3", ["-c", beginning + script, place.folder.string, file])
    }

    @Test(arguments: [
        ("deflated", "pack(both)"), ("stored", "pack(both, zipfile.ZIP_STORED)"),
        ("at the top", #"pack([("model.onnx", model), ("tokens.txt", tokens)])"#),
        ("from Windows", #"pack([(path.replace("/", "\\"), data) for path, data in both])"#),
        ("with a comment", #"pack(both); zipfile.ZipFile(f"{folder}/{name}.zip", "a").comment = b"PK\5\6" * 20"#),
        (
            "of large numbers",
            #"""
            with zipfile.ZipFile(f"{folder}/{name}.zip", "w") as archive:
                for path, data in both:
                    with archive.open(path, "w", force_zip64=True) as file: file.write(data)
            """#
        ),
        (
            "with what leads outside",
            #"""
            pack(both + [("../evil.txt", b"x"), (f"{folder}/evil.txt", b"x"), ("..\\evil.txt", b"x"), ("a/../../evil.txt", b"x"),
                (entry("link", 0o120777), b"/etc"), (entry("link/evil.txt"), b"x"), (entry("pipe", 0o010644), b""),
                ("\ud55c/caf\u00e9.txt", b"x"), ("e\x1b[2Jvil", b"x"), (".evil", b"x"), ("a/b/c/evil.txt", b"x"), ("folder/", b"")])
            """#
        ),
        (
            "tar with what leads outside",
            #"""
            tar(plain + [("../evil.txt", tarfile.REGTYPE, b"x"), (f"{folder}/evil.txt", tarfile.REGTYPE, b"x"),
                ("link", tarfile.SYMTYPE, b""), ("hard", tarfile.LNKTYPE, b""), ("disk", tarfile.BLKTYPE, b""),
                ("terminal", tarfile.CHRTYPE, b""), ("pipe", tarfile.FIFOTYPE, b""), ("a/../../evil.txt", tarfile.REGTYPE, b"x")])
            """#
        ),
    ]) func theModelComesOutAndNothingElse(_ what: String, _ script: String) async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Self.place(folder)
            try await Self.make(script, in: place)
            let ending = what.hasPrefix("tar") ? ".tar.gz" : ".zip"
            let added = try await place.run("models", "add", place[Self.file + ending].string)
            #expect(added.status == 0, "\(added.errors)")
            #expect(
                try place.files("models")
                    == ["model.onnx", "model.toml", "tokens.txt"].map { "\(RandomModels.smallName)/\($0)" })
            #expect(try place.files("").filter { $0.contains("evil") } == [])
            for name in ["model.onnx", "tokens.txt"] {
                #expect(
                    try TestAudioFile.read(place["models/\(RandomModels.smallName)/\(name)"])
                        == TestAudioFile.read(place["made/\(Self.file)/\(name)"]))
            }
        }
    }

    @Test(arguments: [
        ("links in place of files", "no kind", #"pack([both[0], (entry("tokens.txt", 0o120777), b"/etc/passwd")])"#),
        ("two files of a name", "two files", "pack(both + both[:1])"),
        (
            "two models", "two files",
            #"pack([(path.replace(name, other), data) for other in "ab" for path, data in both])"#
        ),
        ("a bomb", "more in it", #"pack(both + [("zeros.bin", bytes(60 << 20))])"#),
        (
            "a file that is longer than it says", "longer than it says",
            #"pack(both); change(lambda data: data.replace(struct.pack("<L", len(tokens)), struct.pack("<L", 10)))"#
        ),
        (
            "another checksum", "checksum",
            #"pack(both, zipfile.ZIP_STORED); change(lambda data: data.replace(b"alder", b"ALDER"))"#
        ),
        (
            "garbage for packed bytes", "damaged",
            #"pack(both); change(lambda data: data[:200] + bytes(500) + data[700:])"#
        ),
        ("a part", "not whole", "pack(both); change(lambda data: data[:-30])"),
        ("the end alone", "makes no sense", #"pack(both); change(lambda data: b"PK\3\4" + data[-300:])"#),
        (
            "a list that lies beyond the end", "makes no sense",
            #"pack(both); change(lambda data: data[:-6] + b"\xf0\xf0\xf0\x70" + data[-2:])"#
        ),
        (
            "encrypted files", "encrypted",
            #"""
            def lock(data):
                for at in range(len(data) - 4):
                    if data[at:at + 4] == b"PK\1\2": data[at + 8] |= 1
            pack(both); change(lock)
            """#
        ),
        ("another way of packing", "way that is not known", "pack(both, zipfile.ZIP_BZIP2)"),
        ("nothing", "no kind", "pack([])"),
        ("tar: links in place of files", "no kind", #"tar(plain[:1] + [("tokens.txt", tarfile.SYMTYPE, b"")])"#),
        ("tar: two files of a name", "two files", "tar(plain + plain[:1])"),
        ("tar: a bomb", "more in it", #"tar(plain + [("a/b/zeros.bin", tarfile.REGTYPE, bytes(60 << 20))])"#),
    ]) func whatIsNotInOrderIsRefused(_ what: String, _ words: String, _ script: String) async throws {
        try await withTemporaryDirectory { folder in
            let place = try await Self.place(folder)
            try await Self.make(script, in: place)
            let ending = what.hasPrefix("tar") ? ".tar.gz" : ".zip"
            let refused = try await place.run("models", "add", place[Self.file + ending].string)
            #expect(refused.status == 65, "\(refused.errors)")
            #expect(refused.errors.contains(words), "\(refused.errors)")
            #expect(refused.errors.contains(Self.file), "\(refused.errors)")
            #expect(try place.files("models") == [])
        }
    }
}
