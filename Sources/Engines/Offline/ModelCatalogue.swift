/// Models that are known by name: what they are good for and where they come from.
package struct KnownModel: Sendable, Hashable {
    package let name: String
    package let family: ModelFamily
    /// ISO 639-1.
    package let languages: [String]
    /// Of the archive.
    package let byteCount: Int64
    /// SHA-256 of the archive. Besides Moonshine tiny, whose files are the same as in the wheel, none was fetched for this
    /// list: it is what several projects that do not know each other have written down for upstream's release.
    package let archiveHash: String
    /// Memory of the process while it works at two chunks, in megabytes; an estimate by the size of the files, but for
    /// Moonshine tiny.
    package let memoryMegabytes: Int
    package let licence: String
    package let use: String
    package let url: String
    /// SHA-256 of the files where it is known for sure.
    package let files: [String: String]

    private static let place = "https://github.com/k2-fsa/sherpa-onnx/releases/download/asr-models/"

    private init(
        _ name: String, _ family: ModelFamily, _ languages: [String], memory: Int, licence: String, use: String,
        archive: String, bytes: Int64, hash: String, files: [String: String] = [:]
    ) {
        self.name = name
        self.family = family
        self.languages = languages
        byteCount = bytes
        archiveHash = hash
        memoryMegabytes = memory
        self.licence = licence
        self.use = use
        url = Self.place + archive
        self.files = files
    }

    private static let european = [
        "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu", "it", "lt", "lv", "mt", "nl", "pl",
        "pt",
        "ro", "ru", "sk", "sl", "sv", "uk",
    ]

    package static let all = [
        KnownModel(
            "moonshine-tiny-en", .moonshine, ["en"], memory: 320, licence: "MIT",
            use: "English, the default", archive: "sherpa-onnx-moonshine-tiny-en-quantized-2026-02-27.tar.bz2",
            bytes: 29_858_559, hash: "9ec31b342d8fa3240c3b81b8f82e1cf7e3ac467c93ca5a999b741d5887164f8d",
            files: [
                "encoder_model.ort": "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
                "decoder_model_merged.ort": "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
                "tokens.txt": "2870d843e14c1e187bf1913a521562a63b53933814bd7f2145120468f494a049",
            ]),
        KnownModel(
            "moonshine-base-en", .moonshine, ["en"], memory: 700, licence: "MIT",
            use: "English, fewer errors", archive: "sherpa-onnx-moonshine-base-en-quantized-2026-02-27.tar.bz2",
            bytes: 111_266_225, hash: "43232c1d13013d37317163baec3135bd771a186a4356f28c889bab453bb0e891"),
        KnownModel(
            "parakeet-tdt-0.6b-v3", .nemoTransducer, european, memory: 2000, licence: "CC BY 4.0",
            use: "25 European languages", archive: "sherpa-onnx-nemo-parakeet-tdt-0.6b-v3-int8.tar.bz2",
            bytes: 487_170_055, hash: "5793d0fd397c5778d2cf2126994d58e9d56b1be7c04d13c7a15bb1b4eafb16bf"),
        KnownModel(
            "sense-voice", .senseVoice, ["zh", "yue", "ja", "ko", "en"], memory: 1000,
            licence: "FunASR Model License 1.1", use: "Chinese, Cantonese, Japanese, Korean",
            archive: "sherpa-onnx-sense-voice-zh-en-ja-ko-yue-int8-2024-07-17.tar.bz2",
            bytes: 163_002_883, hash: "7d1efa2138a65b0b488df37f8b89e3d91a60676e416f515b952358d83dfd347e"),
        KnownModel(
            "whisper-base", .whisper, [], memory: 600, licence: "MIT", use: "99 languages, slow",
            archive: "sherpa-onnx-whisper-base.tar.bz2",
            bytes: 207_557_382, hash: "911b2083efd7c0dca2ac3b358b75222660dc09fb716d64fbfc417ba6c99ff3de"),
    ]

    package static func named(_ name: String) -> KnownModel? { all.first { $0.name == name } }
}
