import ParlographCommands
import SystemPackage
import TestSupport
import Testing

/// etc/parlograph.toml and parlograph.toml(5) against what the program knows.
@Suite struct DocumentedSettingsTests {
    private static func document(_ path: String) throws -> [String] {
        let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        let bytes = try TestAudioFile.read(root.appending(path))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }

    /// Every key of every section, with one engine of each kind.
    private static func known() throws -> [SettingsKey] {
        try SettingsParser.parse(
            try ConfigurationText(
                parsing: """
                    [engines.cloud]
                    kind = "openai"
                    base_url = "http://h"
                    [engines.local]
                    kind = "command"
                    command = ["stt"]
                    """, name: "test.toml"), environment: [:]
        ).knownKeys
    }

    private struct Line: Hashable {
        let section: String
        let key: String
    }

    /// Keys of the default file with their values and whether they are commented out.
    private static func defaults() throws -> [Line: (value: String, isExample: Bool)] {
        var out: [Line: (String, Bool)] = [:]
        var section = ""
        for line in try document("etc/parlograph.toml") {
            let isExample = line.hasPrefix("#")
            let text = isExample ? String(line.dropFirst()) : line
            if text.hasPrefix("[") {
                section = String(text.filter { $0 != "[" && $0 != "]" })
            } else if let equals = text.firstRange(of: " = "),
                text[..<equals.lowerBound].allSatisfy({ $0.isLetter || $0 == "_" })
            {
                let line = Line(section: section, key: String(text[..<equals.lowerBound]))
                #expect(out[line] == nil, "\(line) stands there twice")
                out[line] = (String(text[equals.upperBound...]), isExample)
            }
        }
        return out
    }

    private static func section(_ key: SettingsKey) -> String { key.section.replacing("[0]", with: "") }

    @Test func theDefaultFileShowsEveryKeyWithItsDefault() throws {
        var shown = try Self.defaults()
        for key in try Self.known() {
            let line = Line(section: Self.section(key), key: key.name)
            guard let (value, isExample) = shown.removeValue(forKey: line) else {
                Issue.record("etc/parlograph.toml does not show \(line)")
                continue
            }
            // Where there is no default an example is shown; this folder's default depends on who asks.
            if isExample, ["", "\"\"", "[]"].contains(key.defaultText) || key.name == "cache_directory" { continue }
            #expect(value == key.defaultText || key.name == "kind", "\(line)")
        }
        #expect(shown.isEmpty, "unknown to the program")
    }

    @Test func theDefaultFileIsValidWithAndWithoutItsExamples() throws {
        let lines = try Self.document("etc/parlograph.toml")
        let all = lines.map { line in
            line.hasPrefix("#") && (line.contains(" = ") && !line.hasPrefix("# ") || line.hasPrefix("#["))
                ? String(line.dropFirst()) : line
        }
        // The files that examples name are not there.
        let examples = all.filter { !$0.hasPrefix("api_key_file") }
        for text in [lines, examples] {
            _ = try SettingsParser.parse(
                try ConfigurationText(parsing: text.joined(separator: "\n"), name: "etc/parlograph.toml"),
                environment: [:])
        }
    }

    @Test func theManualExplainsEveryKey() throws {
        var section = ""
        var explained: Set<Line> = []
        for line in try Self.document("man/parlograph.toml.5") {
            if line.hasPrefix(".Ss ") {
                section =
                    switch String(line.dropFirst(4)) {
                    case "Top of the file": ""
                    case "[[inbox]] sections": "inbox"
                    case "[processing] section": "processing"
                    case "[cache] section": "cache"
                    case "[engines.NAME], all kinds": "engines"
                    case "[engines.NAME], kind = \\(dqoffline\\(dq": "engines.offline"
                    case "[engines.NAME], kind = \\(dqopenai\\(dq": "engines.cloud"
                    case "[engines.NAME], kind = \\(dqcommand\\(dq": "engines.local"
                    case let other: other
                    }
            } else if line.hasPrefix(".Sh ") {
                section = "-"
            } else if line.hasPrefix(".It Va ") {
                explained.insert(Line(section: section, key: String(line.dropFirst(7))))
            }
        }
        for key in try Self.known() {
            let isOfAllKinds = key.section.hasPrefix("engines.") && key.name == "kind"
            let line = Line(section: isOfAllKinds ? "engines" : Self.section(key), key: key.name)
            #expect(explained.contains(line), "man/parlograph.toml.5 does not explain \(line)")
        }
        let known = Set(try Self.known().map { Line(section: Self.section($0), key: $0.name) })
        let ofFolders = Set(["language", "formats", "prompt", "glossary"])
        for line in explained.subtracting(known) where line.section != "engines" {
            #expect(
                line.section.hasPrefix("parlograph.toml in") && ofFolders.contains(line.key),
                "man/parlograph.toml.5 explains \(line), which the program does not know")
        }
        let folder = explained.filter { $0.section.hasPrefix("parlograph.toml in") }.map(\.key)
        #expect(Set(folder) == ofFolders)
    }
}
