import ArgumentParser
import SystemPackage
import SystemSupport

/// What somebody may have meant whose command line names no subcommand.
package enum CommandHint {
    /// A word that is further from a command's name is another word.
    private static let maximumDistance = 2

    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - isFile: whether something lies under a name.
    /// - Returns: a line for people; nil where the first word is a command or an option, or like nothing.
    package static func text(
        for arguments: [String], isFile: (String) -> Bool = { (try? FileStatus(at: RawArguments.path(for: $0))) != nil }
    ) -> String? {
        guard let first = arguments.first, !first.hasPrefix("-") || first == "-" else { return nil }
        let names = ParlographCommand.configuration.subcommands.compactMap { $0.configuration.commandName }
        guard !names.contains(first), first != "help" else { return nil }
        if first == "-" || isFile(first) {
            let words = arguments.map(\.shellWord).joined(separator: " ")
            return "Did you mean: parlograph transcribe \(words)"
        }
        let nearest = names.min { (typingDistance(first, $0), $0) < (typingDistance(first, $1), $1) }
        guard let nearest, typingDistance(first, nearest) <= maximumDistance else { return nil }
        let rest = arguments.dropFirst().map { " " + $0.shellWord }.joined()
        return "Did you mean: parlograph \(nearest)\(rest)"
    }
}
