import ParlographCommands
import TestSupport
import Testing

/// parlograph(1) against what the program says of itself.
@Suite struct DocumentedCommandsTests {
    /// An option as `-o, --output-directory <dir>`.
    private struct Option: Hashable, CustomStringConvertible {
        let names: Set<String>
        /// What stands for the value; empty where there is none.
        let value: String

        var description: String { "\(names.sorted().joined(separator: ", ")) \(value)" }
    }

    /// The help of one command.
    private struct Help {
        var subcommands: [String] = []
        /// With their explanations.
        var options: [Option: String] = [:]

        init(_ path: [String]) async throws {
            let ended = try await withTemporaryDirectory { folder in
                try await Program.run((path + ["--help"]).map { Array($0.utf8) }, folder: folder)
            }
            #expect(ended.status == 0, "\(path): \(ended.errors)")
            var section = ""
            var last: Option?
            for line in ended.lines {
                if let title = line.wholeMatch(of: /([A-Z ]+):.*/)?.output.1 { section = String(title) }
                if section == "SUBCOMMANDS" || section.hasSuffix(" SUBCOMMANDS") {
                    if let name = line.prefixMatch(of: #/  ([a-z]+)/#)?.output.1, name != "help" {
                        subcommands.append(String(name))
                    }
                } else if section == "OPTIONS", let found = line.prefixMatch(of: #/  (-[-a-z, ]*)(?:<(\w+)>)?/#) {
                    let names = found.output.1.split { $0 == "," || $0 == " " }.filter { $0.hasPrefix("-") }
                    let option = Option(names: Set(names.map(String.init)), value: String(found.output.2 ?? ""))
                    options[option] = String(line[found.range.upperBound...])
                    last = option
                } else if let last {
                    options[last, default: ""] += " " + line.drop { $0 == " " }
                }
            }
        }
    }

    /// The commands that do something, with their help; those that only have subcommands are left out.
    private static func commands(_ path: [String] = []) async throws -> [String: Help] {
        let help = try await Help(path)
        guard !help.subcommands.isEmpty else { return [path.joined(separator: " "): help] }
        var out: [String: Help] = [:]
        for subcommand in help.subcommands {
            out.merge(try await commands(path + [subcommand])) { $1 }
        }
        return out
    }

    /// `Fl o Ar dir , Fl -output-directory Ar dir`, as it stands behind `.It` or `.Op`.
    private static func option(_ words: String) -> Option {
        let words = words.split(separator: " ")
        let pairs = zip(words, words.dropFirst())
        return Option(
            names: Set(pairs.filter { $0.0 == "Fl" }.map { "-\($0.1)" }),
            value: pairs.first { $0.0 == "Ar" }.map { String($0.1) } ?? "")
    }

    @Test func thePageHasTheCommandsAndOptionsOfTheHelp() async throws {
        let page = try ManualPage("man/parlograph.1")
        let commands = try await Self.commands()
        #expect(commands.count >= 9)
        let common = page.items.filter { $0.section == "DESCRIPTION" }
        for (command, help) in commands {
            // "jobs" alone lists.
            let title = command == "jobs list" ? "jobs" : command
            #expect(page.sections[title] != nil, "no section on \(title)")
            let items = common + page.items.filter { $0.section == title }
            #expect(Set(items.map { Self.option($0.head) }) == Set(help.options.keys), "\(title)")
            for item in items {
                let explanation = help.options[Self.option(item.head)] ?? ""
                guard let usual = explanation.firstMatch(of: /\(default: *(\S+?)\)/)?.output.1 else { continue }
                #expect(item.text.contains(usual), "\(title) \(item.head): its default is \(usual)")
            }
        }
        let titles = Set(commands.keys.map { $0 == "jobs list" ? "jobs" : $0 })
        let written = page.sections.keys.filter { $0.first?.isLowercase == true }
        #expect(Set(written) == titles)
    }

    @Test func theSynopsisHasThemToo() async throws {
        let lines = try #require(try ManualPage("man/parlograph.1").sections["SYNOPSIS"])
        // Each begins with the program's name; "stats | prune | clear" are three.
        var synopsis: [String: [Option]] = [:]
        for usage in lines.split(separator: ".Nm", omittingEmptySubsequences: true) {
            let words = usage.filter { $0.hasPrefix(".Cm ") || $0.hasPrefix(".Op Cm ") }
                .flatMap { $0.split(separator: " ").filter { ![".Cm", ".Op", "Cm"].contains($0) } }
            let isOneOf = words.contains("|")
            let commands =
                isOneOf
                ? words.dropFirst().filter { $0 != "|" }.map { "\(words[0]) \($0)" } : [words.joined(separator: " ")]
            for command in commands {
                synopsis[command] = usage.filter { $0.hasPrefix(".Op Fl ") }.map { Self.option($0) }
            }
        }
        #expect(synopsis.removeValue(forKey: "") == [], "--version alone")
        let commands = try await Self.commands()
        #expect(Set(synopsis.keys) == Set(commands.keys))
        for (command, help) in commands {
            let shown = synopsis[command] ?? []
            // What all commands take is explained below, once.
            let own = help.options.keys.filter { $0.names.isDisjoint(with: ["--config", "--help", "--version"]) }
            #expect(shown.count == own.count, "\(command)")
            for option in own {
                #expect(
                    shown.contains { $0.value == option.value && $0.names.isSubset(of: option.names) },
                    "\(command): \(option)")
            }
        }
    }

    @Test func pageAndHelpHaveEveryExitStatus() async throws {
        let known = Set(Exit.allCases.map(\.rawValue))
        let items = try ManualPage("man/parlograph.1").items.filter { $0.section == "EXIT STATUS" }
        #expect(items.map { Int32($0.head) } == Exit.allCases.map(\.rawValue))
        #expect(items.allSatisfy { !$0.text.isEmpty })
        let help = try await withTemporaryDirectory { try await Program.run([Array("--help".utf8)], folder: $0) }
        let text = help.lines.drop { !$0.hasPrefix("Exit status: ") }.prefix { !$0.hasPrefix("USAGE") }
            .joined(separator: " ")
        #expect(Set(text.matches(of: #/[:;] (\d+) /#).compactMap { Int32($0.output.1) }) == known, "\(text)")
    }
}
