import Inbox
import Transcription

/// What wins over the file: variables of the environment and options of the command line.
extension SettingsParser {
    /// The options of the command line, by the variable that each stands for.
    var options: [String: String] {
        Dictionary(overrides.map { ($0.variable, $0.option) }) { first, _ in first }
    }

    /// - Throws: `ConfigurationFault` for an option that an engine of this kind cannot heed. That there is no such engine is
    ///   told where it is asked for.
    func checkOverrides(among engines: [String: Settings.EngineEntry]) throws {
        for override in overrides where !override.isWish && !variables.contains(override.variable) {
            let name = String(override.section.drop { $0 != "." }.dropFirst())
            guard let kind = engines[name].map({ type(of: $0.engine).name }) else { continue }
            throw ConfigurationFault(
                "\(override.option): the engine \"\(name)\" cannot heed it; engines of kind \"\(kind)\" have no \(override.key)."
            )
        }
    }

    /// A warning for each variable that looks like one of ours and sets nothing. No fault: it may be meant for another
    /// configuration file.
    func unknownVariables() -> [String] {
        // Where a hook runs this program, they are for the hook.
        let ofHooks = HookEvent.names + SidecarFormat.allCases.map { HookEvent.prefix + $0.rawValue.uppercased() }
        let known = variables.union(overrides.map(\.variable)).union(ofHooks)
        let unknown = environment.keys.filter {
            $0.hasPrefix("PARLOGRAPH_") && !known.contains($0)
        }
        return unknown.sorted().map { name in
            let nearest = variables.min { (typingDistance(name, $0), $0) < (typingDistance(name, $1), $1) }
            let hint = nearest.map { "; the nearest known one is \($0)" } ?? ""
            let engines =
                name.hasPrefix("PARLOGRAPH_ENGINES_") ? " (an engine must have its section in the file as well)" : ""
            return "\(name) in the environment sets nothing\(engines)\(hint)."
        }
    }
}
