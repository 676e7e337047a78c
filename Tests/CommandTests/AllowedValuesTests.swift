import ParlographCommands
import Testing

/// What the program says that a key may be is what it takes: from the file and from the environment.
@Suite struct AllowedValuesTests {
    @Test func thereAreKeysOfEverySection() {
        let sections = Set(KnownSettings.keys.map(\.section))
        #expect(
            sections == [
                "", "inbox[0]", "inbox[0].webhook", "processing", "cache", "engines.offline", "engines.cloud",
                "engines.local",
            ])
    }

    @Test(arguments: KnownSettings.keys) func everyAllowedValueIsTakenAndTheNextOneIsNot(_ key: SettingsKey) {
        for value in key.allowed.accepted {
            let text = KnownSettings.configuration(key, value, of: value)
            #expect(KnownSettings.fault(text) == nil, "\(text)")
        }
        for value in key.allowed.refused {
            let text = KnownSettings.configuration(key, value, of: value)
            guard let fault = KnownSettings.fault(text) else {
                Issue.record("\(key.section) \(key.name) = \(value) is taken")
                continue
            }
            #expect(fault.hasPrefix("test.toml, line ") && fault.contains("\(key.name): "), "\(fault)")
            if let range = key.allowed.range {
                #expect(fault.replacing("from ", with: "").contains(range), "\(fault)")
            }
        }
    }

    @Test(arguments: KnownSettings.keys) func theEnvironmentSetsEveryKey(_ key: SettingsKey) throws {
        let section = key.section.replacing("[0]", with: "")
        let path = section.isEmpty ? key.name : "\(section)_\(key.name)"
        let variable = "PARLOGRAPH_" + path.uppercased().replacing(".", with: "_")
        #expect(key.variable == variable)
        for value in key.allowed.accepted {
            let text = KnownSettings.configuration(key, nil, of: value)
            let settings = try KnownSettings.parse(text, [variable: Self.inEnvironment(value)])
            #expect(settings.warnings.isEmpty, "\(settings.warnings)")
        }
        switch key.allowed {
        case .text, .texts: break
        default:
            let value = key.allowed.refused[0]
            let text = KnownSettings.configuration(key, nil, of: value)
            let fault = KnownSettings.fault(text, [variable: Self.inEnvironment(value)])
            #expect(fault?.hasPrefix("\(variable) in the environment: ") == true, "\(fault ?? "no fault")")
        }
    }

    /// Without quotes and brackets, lists separated by commas.
    private static func inEnvironment(_ value: String) -> String { value.filter { !"\"[]".contains($0) } }

    @Test func aFoldersFileHasTheSameRules() throws {
        let keys = try FolderFileParser.knownKeys()
        #expect(
            keys.map(\.name).sorted() == [
                "formats", "glossary", "language", "prompt", "sounds", "subtitle_bom", "subtitle_line_ends",
                "subtitle_names",
                "txt_times",
            ])
        for key in keys {
            for value in key.allowed.accepted {
                #expect(throws: Never.self) { try FolderFileParser.parse("\(key.name) = \(value)") }
            }
            for value in key.allowed.refused {
                #expect(throws: ConfigurationFault.self, "\(key.name) = \(value)") {
                    try FolderFileParser.parse("\(key.name) = \(value)")
                }
            }
        }
    }
}
