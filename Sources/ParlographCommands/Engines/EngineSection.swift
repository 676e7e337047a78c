/// One `[engines.NAME]` while it is read.
package struct EngineSection {
    let name: String
    let reader: SectionReader

    /// - Throws: `ConfigurationFault`.
    func entry() throws -> Settings.EngineEntry {
        let kind: KindChoice
        if name == Settings.defaultEngine {
            kind = try reader.choice("kind", default: KindChoice(type: OfflineEngine.self))
        } else {
            guard reader.isSet("kind"),
                let named: KindChoice = try reader.optionalChoice("kind", otherwise: .mustBeGiven)
            else { throw reader.fault("kind", "is missing: \(KindChoice.list).") }
            kind = named
        }
        return try kind.type.read(self)
    }

    /// The engine that is asked where this one fails.
    /// - Throws: `ConfigurationFault`; whether there is such an engine is for `checkFallback`.
    func fallback() throws -> String? { try reader.optionalString("fallback", .text("the name of an engine")) }

    /// - Throws: `ConfigurationFault` where the fallback is no engine, or leads back here.
    func checkFallback(among engines: [String: Settings.EngineEntry]) throws {
        var chain = [name]
        while let next = engines[chain[chain.count - 1]]?.fallback {
            guard engines[next] != nil else {
                // A later engine's own check names the key that is wrong.
                guard chain.count == 1 else { return }
                let known = engines.keys.filter { $0 != name }.sorted().joined(separator: ", ")
                throw reader.fault("fallback", "there is no [engines.\(next)]; configured are: \(known).")
            }
            guard next != name else {
                let circle = (chain + [next]).joined(separator: " → ")
                throw reader.fault("fallback", "leads in a circle: \(circle).")
            }
            guard !chain.contains(next) else { return }
            chain.append(next)
        }
    }
}

/// A kind by its name.
private struct KindChoice: RawRepresentable, CaseIterable {
    static let allCases = EngineKinds.all.map(KindChoice.init(type:))

    let type: any EngineKind.Type

    init(type: any EngineKind.Type) { self.type = type }

    init?(rawValue: String) {
        guard let known = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = known
    }

    var rawValue: String { type.name }

    /// `a, b or c`.
    static var list: String {
        let names = allCases.map(\.rawValue)
        return "\(names.dropLast().joined(separator: ", ")) or \(names[names.count - 1])"
    }
}
