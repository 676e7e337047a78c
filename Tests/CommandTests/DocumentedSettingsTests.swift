import Engines
import FoundationEssentials
import Inbox
import ParlographCommands
import SystemPackage
import Testing
import TranscriptCache
import Transcription

/// etc/parlograph.toml and the manual pages against what the program knows of its settings.
@Suite struct DocumentedSettingsTests {
    /// A key of the default file.
    private struct Shown {
        let value: String
        let isExample: Bool
        /// The comment directly above, in one line.
        let explanation: String
    }

    /// By section and key.
    private static func defaultFile() throws -> [String: Shown] {
        var out: [String: Shown] = [:]
        var section = ""
        var comment: [Substring] = []
        for line in try ProjectFile.lines("etc/parlograph.toml") {
            let isExample = line.hasPrefix("#") && !line.hasPrefix("# ")
            let text = isExample ? line.dropFirst() : line[...]
            if text.hasPrefix("# ") {
                comment.append(text.dropFirst(2))
                continue
            }
            if text.hasPrefix("[") {
                section = String(text.filter { $0 != "[" && $0 != "]" })
            } else if let (_, key, value) = try /([a-z_]+) = (.+)/.wholeMatch(in: text)?.output {
                let name = "\(section) \(key)"
                #expect(out[name] == nil, "\(name) stands there twice")
                out[name] = Shown(
                    value: String(value), isExample: isExample, explanation: comment.joined(separator: " "))
            }
            comment = []
        }
        return out
    }

    private static func name(_ key: SettingsKey) -> String { "\(key.section.replacing("[0]", with: "")) \(key.name)" }

    @Test func theDefaultFileShowsEveryKeyWithItsDefaultAndExplainsIt() throws {
        var shown = try Self.defaultFile()
        for key in KnownSettings.keys {
            let name = Self.name(key)
            guard let line = shown.removeValue(forKey: name) else {
                Issue.record("etc/parlograph.toml does not show \(name)")
                continue
            }
            let explanation = line.explanation
            #expect(!explanation.isEmpty, "\(name) has no explanation")
            switch key.byDefault {
            // An empty list is no example.
            case .value(let value): #expect(line.value == value || value == "[]" && line.isExample, "\(name)")
            case .words(let words):
                #expect(line.isExample, "\(name) has no default that could stand there")
                #expect(
                    words.hasPrefix("none") && words != "none is sent" || explanation.contains("default: \(words)"),
                    "\(name): \(explanation) – \(words)")
            }
            let ranges = explanation.matches(of: /\(([\d.]+ to [\d.]+)\)/).map { String($0.output.1) }
            #expect(ranges == [key.allowed.range].compactMap(\.self), "\(name): \(explanation)")
            switch key.allowed {
            case .oneOf(let values), .listOf(let values):
                let words = Set(
                    explanation.split { !$0.isLetter && !$0.isNumber && !"-_.{}".contains($0) }.map(Self.withoutStop))
                #expect(words.isSuperset(of: values), "\(name): \(explanation)")
            default: break
            }
        }
        #expect(shown.isEmpty, "unknown to the program")
    }

    private static func withoutStop(_ word: Substring) -> String {
        String(word.hasSuffix(".") ? word.dropLast() : word)
    }

    @Test func theDefaultFileIsValidWithAndWithoutItsExamples() throws {
        let lines = try ProjectFile.lines("etc/parlograph.toml")
        let examples = lines.map { $0.hasPrefix("#") && !$0.hasPrefix("# ") ? String($0.dropFirst()) : $0 }
        for text in [lines, examples] {
            _ = try KnownSettings.parse(text.joined(separator: "\n"))
        }
        #expect(try KnownSettings.parse(examples.joined(separator: "\n")).engines.count == 3)
    }

    /// The keys of a section of parlograph.toml(5), as the code calls it.
    private static func keys(explainedIn title: String) throws -> [SettingsKey] {
        let ofEngines = ["offline": "offline", "openai": "cloud", "command": "local"]
        let section =
            switch title {
            case "Top of the file": ""
            case "[[inbox]] sections": "inbox[0]"
            case "webhook of an inbox": "inbox[0].webhook"
            case "parlograph.toml in a folder of an inbox": "-"
            case "[engines.NAME], all kinds": "engines.cloud"
            default:
                if let kind = ofEngines.keys.first(where: { title == "[engines.NAME], kind = \"\($0)\"" }) {
                    "engines.\(ofEngines[kind] ?? "")"
                } else {
                    String(title.dropFirst().prefix { $0 != "]" })
                }
            }
        let keys = section == "-" ? try FolderFileParser.knownKeys() : KnownSettings.keys
        return keys.filter { key in
            let isOfAllKinds = key.section.hasPrefix("engines.") && key.name == "kind"
            return (section == "-" || key.section == section) && isOfAllKinds == title.hasSuffix("all kinds")
        }
    }

    @Test func theManualHasRangeAndDefaultOfEveryKey() throws {
        let items = try ManualPage("man/parlograph.toml.5").items.filter { $0.head.hasPrefix("Va ") }
        var explained = 0
        for title in Set(items.map(\.section)) {
            var inSection = items.filter { $0.section == title }
            for key in try Self.keys(explainedIn: title) {
                guard let index = inSection.firstIndex(where: { $0.head == "Va \(key.name)" }) else {
                    Issue.record("man/parlograph.toml.5 does not explain \(key.name) in \(title)")
                    continue
                }
                let item = inSection.remove(at: index)
                explained += 1
                #expect(!item.text.hasPrefix("Range:"), "\(title): \(key.name) has no meaning")
                #expect(item.field("Range") == key.allowed.description, "\(title): \(key.name)")
                let byDefault = item.field("Default") ?? "-"
                switch key.byDefault {
                case .value(let value):
                    let plain = value.filter { !"\"[]".contains($0) }
                    let words = plain.isEmpty ? "none" : plain
                    #expect(byDefault == words || byDefault.hasPrefix("\(words) ("), "\(title): \(key.name)")
                case .words(let words):
                    #expect(byDefault == words || byDefault.hasPrefix("\(words), "), "\(title): \(key.name)")
                }
            }
            #expect(inSection.map(\.head) == [], "\(title): keys that the program does not know")
        }
        // The key "kind" of three engines is explained once.
        #expect(explained == KnownSettings.keys.count - 2 + (try FolderFileParser.knownKeys().count))
    }

    @Test func theDefaultOfTheCacheDirectoryIsAsTheManualSays() throws {
        func directory(_ environment: [String: String]) throws -> String {
            try KnownSettings.parse("", environment).cache.directory.string
        }
        guard !FolderRights.canWrite(DefaultCacheDirectory.ofSystem) else {
            #expect(try directory(["XDG_CACHE_HOME": "/x"]) == DefaultCacheDirectory.ofSystem.string)
            return
        }
        #expect(try directory(["XDG_CACHE_HOME": "/x", "HOME": "/home/me"]) == "/x/parlograph")
        #expect(try directory(["HOME": "/home/me"]) == "/home/me/.cache/parlograph")
        #expect(try directory([:]) == DefaultCacheDirectory.ofSystem.string)
    }

    @Test func variablesThatDocumentsNameAreKnown() throws {
        let known = Set(KnownSettings.keys.map(\.variable))
        var named: Set<String> = []
        for path in [
            "man/parlograph.1", "man/parlograph.8", "man/parlograph.toml.5", "etc/parlograph.toml", "README.md",
            "docs/operating.md",
        ] {
            named.formUnion(try ProjectFile.text(path).matches(of: /PARLOGRAPH_[A-Z_]+[A-Z]/).map { String($0.output) })
        }
        #expect(named.count >= 4)
        let ofHooks = HookEvent.names + SidecarFormat.allCases.map { HookEvent.prefix + $0.rawValue.uppercased() }
        #expect(named.subtracting(known).subtracting(ofHooks) == [])
        let manual = try ProjectFile.text("man/parlograph.toml.5")
        for name in HookEvent.names { #expect(manual.contains(name), "\(name) is in no manual") }
    }

    @Test func theManualListsTheVariablesThatTheProgramReads() throws {
        var read = Set(ProxyVariable.names.map { $0.lowercased() })
        let sources = ProjectFile.root.appending("Sources").string
        for path in try FileManager.default.subpathsOfDirectory(atPath: sources) where path.hasSuffix(".swift") {
            let text = try ProjectFile.text("Sources/\(path)")
            for match in text.matches(of: /(?:nvironment|\.all)\["(\w+)"\]|getenv\("(\w+)"\)/) {
                read.insert(String(match.output.1 ?? match.output.2 ?? "").lowercased())
            }
        }
        let listed = try ManualPage("man/parlograph.1").items.filter { $0.section == "ENVIRONMENT" }
            .filter { !$0.head.hasPrefix("Ev PARLOGRAPH_") }
            .flatMap { $0.head.dropFirst(3).split(separator: " , ").map { $0.lowercased() } }
        #expect(Set(listed) == read)
    }
}
