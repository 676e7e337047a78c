import Engines

/// What the kinds of server decide where a key is missing, in words that are made from the profiles themselves.
enum ProfileDefaults {
    static let languageRule = words { $0.languageRule.rawValue }
    static let languageForm = words { $0.languageForm.rawValue }
    static let authorization = words { $0.authorization.rawValue }
    static let uploadCodec = words { $0.codec.rawValue }
    static let bodyMegabytes = words { "\($0.maximumBodyBytes >> 20)" }
    static let requestsPerMinute = words { $0.requestsPerMinute.map { "\($0)" } ?? "no limit" }
    static let audioSecondsPerHour = words { $0.audioSecondsPerHour.map { "\($0)" } ?? "no limit" }
    static let targetSeconds = words { $0.targetSeconds?.shortText ?? "none" }
    static let maximumSeconds = words { $0.maximumSeconds?.shortText ?? "none" }
    static let wordTimestamps = words { "\($0.asksForWords)" }
    static let maximumConcurrency = words { $0.maximumConcurrency.map { "\($0)" } ?? "no limit of its own" }
    static let optionalFields = words { profile in
        let fields = EngineProfile.OptionalField.allCases.filter { field in
            switch field {
            case .prompt: profile.takesPrompt
            case .temperature: profile.takesTemperature
            case .timestampGranularities: profile.takesGranularities
            }
        }
        return fields.count == EngineProfile.OptionalField.allCases.count ? "all" : list(fields.map(\.rawValue))
    }

    /// `by profile: 3 for azure, 20 for groq, else no limit`, for the models that the profiles are made for.
    private static func words(_ value: (EngineProfile) -> String) -> SettingsKey.Default {
        var names: [String: [String]] = [:]
        for name in EngineProfile.Name.allCases {
            names[value(EngineProfile(named: name, model: "whisper-1")), default: []].append(name.rawValue)
        }
        let usual = names.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }?.key ?? ""
        let others = names.filter { $0.key != usual }.sorted { (Int($0.key) ?? 0, $0.key) < (Int($1.key) ?? 0, $1.key) }
        let parts = others.map { "\($0.key) for \(list($0.value))" } + ["else \(usual)"]
        return .words("by profile: \(parts.joined(separator: ", "))")
    }

    private static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return "\(words.dropLast().joined(separator: ", ")) and \(last)"
    }
}
