/// Models that are known by name: what they are good for and where they come from.
package struct KnownModel: Sendable, Hashable {
    package let name: String
    package let family: ModelFamily
    /// ISO 639-1.
    package let languages: [String]
    /// Of the archive, in megabytes.
    package let megabytes: Int
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
        _ name: String, _ family: ModelFamily, _ languages: [String], megabytes: Int, memory: Int, licence: String,
        use: String, archive: String, files: [String: String] = [:]
    ) {
        self.name = name
        self.family = family
        self.languages = languages
        self.megabytes = megabytes
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
            "moonshine-tiny-en", .moonshine, ["en"], megabytes: 30, memory: 320, licence: "MIT",
            use: "English, the default", archive: "sherpa-onnx-moonshine-tiny-en-quantized-2026-02-27.tar.bz2",
            files: [
                "encoder_model.ort": "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
                "decoder_model_merged.ort": "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
                "tokens.txt": "2870d843e14c1e187bf1913a521562a63b53933814bd7f2145120468f494a049",
            ]),
        KnownModel(
            "moonshine-base-en", .moonshine, ["en"], megabytes: 111, memory: 700, licence: "MIT",
            use: "English, fewer errors", archive: "sherpa-onnx-moonshine-base-en-quantized-2026-02-27.tar.bz2"),
        KnownModel(
            "parakeet-tdt-0.6b-v3", .nemoTransducer, european, megabytes: 487, memory: 2000, licence: "CC BY 4.0",
            use: "25 European languages", archive: "sherpa-onnx-nemo-parakeet-tdt-0.6b-v3-int8.tar.bz2"),
        KnownModel(
            "sense-voice", .senseVoice, ["zh", "yue", "ja", "ko", "en"], megabytes: 163, memory: 1000,
            licence: "FunASR model licence", use: "Chinese, Cantonese, Japanese, Korean",
            archive: "sherpa-onnx-sense-voice-zh-en-ja-ko-yue-int8-2024-07-17.tar.bz2"),
        KnownModel(
            "whisper-base", .whisper, [], megabytes: 208, memory: 600, licence: "MIT", use: "99 languages, slow",
            archive: "sherpa-onnx-whisper-base.tar.bz2"),
    ]

    package static func named(_ name: String) -> KnownModel? { all.first { $0.name == name } }
}
