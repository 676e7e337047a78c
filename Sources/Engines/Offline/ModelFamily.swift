import CSherpaONNX

/// How a model's files are put together: which there are and what they are called.
package enum ModelFamily: String, Sendable, Hashable, CaseIterable {
    case moonshine
    case moonshineV1 = "moonshine-v1"
    case whisper
    case nemoTransducer = "nemo-transducer"
    case transducer
    case nemoCTC = "nemo-ctc"
    case zipformerCTC = "zipformer-ctc"
    case senseVoice = "sense-voice"
    case canary

    /// In words, for people.
    package var title: String {
        switch self {
        case .moonshine: "Moonshine"
        case .moonshineV1: "Moonshine, version 1"
        case .whisper: "Whisper"
        case .nemoTransducer: "NeMo transducer (Parakeet)"
        case .transducer: "transducer (Zipformer)"
        case .nemoCTC: "NeMo CTC"
        case .zipformerCTC: "Zipformer CTC"
        case .senseVoice: "SenseVoice"
        case .canary: "Canary"
        }
    }

    /// The decoder speaks word by word of its own accord: it may run away, and is told the language or finds it out.
    var isGenerative: Bool {
        switch self {
        case .moonshine, .moonshineV1, .whisper, .canary: true
        case .nemoTransducer, .transducer, .nemoCTC, .zipformerCTC, .senseVoice: false
        }
    }

    /// Tokens of all its models; nil where they differ.
    var tokenCount: Int? { self == .moonshine ? 32_768 : nil }

    /// Decoding changes the recognizer, so that one thread at a time may use it.
    var isExclusive: Bool { self == .whisper || self == .canary }

    /// The recognizer is told which language it hears.
    var takesLanguage: Bool { self == .whisper || self == .canary || self == .senseVoice }

    /// It hears which language is spoken where it is not told; otherwise that is English.
    var findsLanguage: Bool { self != .canary }

    /// The family as the shim of `CSherpaONNX` calls it.
    var code: csherpa_family {
        switch self {
        case .moonshine: CSHERPA_MOONSHINE
        case .moonshineV1: CSHERPA_MOONSHINE_V1
        case .whisper: CSHERPA_WHISPER
        case .nemoTransducer: CSHERPA_NEMO_TRANSDUCER
        case .transducer: CSHERPA_TRANSDUCER
        case .nemoCTC: CSHERPA_NEMO_CTC
        case .zipformerCTC: CSHERPA_ZIPFORMER_CTC
        case .senseVoice: CSHERPA_SENSE_VOICE
        case .canary: CSHERPA_CANARY
        }
    }
}

/// The names of a model's files in its folder; what a family has none of is nil.
package struct ModelLayout: Sendable, Hashable {
    package var family: ModelFamily
    /// None in the CTC families and SenseVoice, whose network is in `model`.
    package var encoder: String?
    /// Moonshine: the merged decoder; version 1: the cached one.
    package var decoder: String?
    /// Of the transducers; Moonshine, version 1: the uncached decoder.
    package var joiner: String?
    /// The whole network of the CTC families and SenseVoice; Moonshine, version 1: the preprocessor.
    package var model: String?
    /// The model's vocabulary, one entry on a line; every family has it.
    package var tokens: String

    /// Weights that a network has in a file beside it.
    package var weights: [String] = []

    /// All files, sorted.
    package var files: [String] {
        ([encoder, decoder, joiner, model, tokens].compactMap(\.self) + weights).sorted()
    }

    /// The files without the vocabulary, sorted.
    var networks: [String] { files.filter { $0 != tokens } }

    /// Recognises a model by the names of the files in its folder.
    /// - Parameters:
    ///   - files: what lies in the folder.
    ///   - folder: its name: some families have files of the same names.
    ///   - family: the one that the model says it is of; nil: any.
    package init?(files: [String], folder: String, family: ModelFamily? = nil) {
        guard let first = Self.all(files: files, folder: folder, family: family).first else { return nil }
        self = first
    }

    /// All models that the files may be, those first that are more likely.
    static func all(files: [String], folder: String, family: ModelFamily? = nil) -> [ModelLayout] {
        (family.map { [$0] } ?? ModelFamily.allCases).flatMap {
            layouts($0, Set(files), folder.lowercased(), isTold: family != nil)
        }.map { layout in
            var layout = layout
            layout.weights = layout.networks.flatMap(places(ofWeights:)).filter(files.contains).sorted()
            return layout
        }
    }

    /// Where upstream's exports, and those of others, put the weights of a network of 2 GB and more.
    private static func places(ofWeights network: String) -> [String] {
        let stem = network.hasSuffix(".onnx") ? String(network.dropLast(".onnx".count)) : network
        return ["\(stem).weights", "\(stem).data", "\(network).data", "\(network)_data"]
    }

    private init(
        _ family: ModelFamily, encoder: String? = nil, decoder: String? = nil, joiner: String? = nil,
        model: String? = nil, tokens: String = "tokens.txt"
    ) {
        self.family = family
        self.encoder = encoder
        self.decoder = decoder
        self.joiner = joiner
        self.model = model
        self.tokens = tokens
    }

    private static func layouts(
        _ family: ModelFamily, _ files: Set<String>, _ folder: String, isTold: Bool
    ) -> [ModelLayout] {
        guard family == .whisper else { return layout(family, files, folder, isTold).map { [$0] } ?? [] }
        return files.filter { $0.hasSuffix("-tokens.txt") }.sorted().compactMap { tokens in
            let name = tokens.dropLast("-tokens.txt".count)
            guard let encoder = part("\(name)-encoder", of: files), let decoder = part("\(name)-decoder", of: files)
            else { return nil }
            return ModelLayout(family, encoder: encoder, decoder: decoder, tokens: tokens)
        }
    }

    /// The quantised one where both are there: a quarter of the memory, hardly another text.
    private static func part(_ name: String, of files: Set<String>) -> String? {
        ["\(name).int8.onnx", "\(name).onnx"].first(where: files.contains)
    }

    private static func layout(
        _ family: ModelFamily, _ files: Set<String>, _ folder: String, _ isTold: Bool
    ) -> ModelLayout? {
        func part(_ name: String) -> String? { Self.part(name, of: files) }
        func starting(_ prefix: String) -> String? {
            let found = files.filter { $0.hasPrefix(prefix + "-") && $0.hasSuffix(".onnx") }
            return found.filter { $0.hasSuffix(".int8.onnx") }.min() ?? found.min()
        }
        let hasTokens = files.contains("tokens.txt")
        switch family {
        case .moonshine:
            guard hasTokens, files.isSuperset(of: ["encoder_model.ort", "decoder_model_merged.ort"]) else { return nil }
            return ModelLayout(family, encoder: "encoder_model.ort", decoder: "decoder_model_merged.ort")
        case .moonshineV1:
            guard hasTokens, let model = part("preprocess"), let encoder = part("encode"),
                let cached = part("cached_decode"), let uncached = part("uncached_decode")
            else { return nil }
            return ModelLayout(family, encoder: encoder, decoder: cached, joiner: uncached, model: model)
        case .whisper: return nil
        case .nemoTransducer:
            guard hasTokens, let encoder = part("encoder"), let decoder = part("decoder"), let joiner = part("joiner"),
                isTold || !folder.contains("zipformer")
            else { return nil }
            return ModelLayout(family, encoder: encoder, decoder: decoder, joiner: joiner)
        case .transducer:
            guard hasTokens, let encoder = starting("encoder") ?? part("encoder"),
                let decoder = starting("decoder") ?? part("decoder"), let joiner = starting("joiner") ?? part("joiner")
            else { return nil }
            return ModelLayout(family, encoder: encoder, decoder: decoder, joiner: joiner)
        case .canary:
            guard hasTokens, let encoder = part("encoder"), let decoder = part("decoder"), part("joiner") == nil
            else { return nil }
            return ModelLayout(family, encoder: encoder, decoder: decoder)
        case .nemoCTC, .zipformerCTC, .senseVoice:
            guard hasTokens, let model = part("model"), isTold || isNamed(family, folder) else { return nil }
            return ModelLayout(family, model: model)
        }
    }

    /// These have the same files; upstream's archives say the family in their names.
    private static func isNamed(_ family: ModelFamily, _ folder: String) -> Bool {
        let isNemo = folder.contains("nemo") || folder.contains("parakeet")
        return switch family {
        case .nemoCTC: isNemo
        case .zipformerCTC: folder.contains("zipformer") && !isNemo
        default: folder.contains("sense-voice") || folder.contains("sensevoice")
        }
    }
}
