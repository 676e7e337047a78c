import SystemSupport
package import Transcription

/// Engines that count as one, since the same server takes their requests for the same customer: it has one number of
/// requests at a time, one account to be paused, and one quota for them.
package struct EngineGroup: Sendable, Hashable {
    /// Of the engines, sorted.
    package let names: [String]
    /// The strictest of theirs.
    package let limits: ConcurrencyController.Settings
}

extension ConcurrencyController.Settings {
    /// In a sentence; empty where no rate is kept.
    var pace: String {
        let parts = [
            requestsPerMinute.map { "\(CountedText.text($0, "request")) a minute" },
            audioSecondsPerHour.map { "\($0) s of audio an hour" },
        ].compactMap { $0 }
        return parts.isEmpty ? "" : "No more are sent than \(parts.joined(separator: " and "))."
    }
}

extension Settings {
    /// No server keeps the other chunks waiting for longer than this for its first answer.
    private static let maximumFirst = Duration.seconds(60)

    /// The engine with all that share a server and a key with it, directly or by way of another one's addresses. Those
    /// with and those without a fallback are apart: the former do not wait for an engine that is away.
    /// - Returns: nil for an engine that is no server.
    package func group(of name: String) -> EngineGroup? {
        guard let entry = engines[name], let own = entry.engine.servers else { return nil }
        let most = processing.maxConcurrentChunks
        let waits = chain(of: name).count == 1
        var members = [name: own]
        var addresses = own.addresses
        /// Another engine that shares one of the addresses known so far.
        func neighbour() -> (name: String, servers: EngineServers)? {
            for (other, candidate) in engines where members[other] == nil && (chain(of: other).count == 1) == waits {
                guard let servers = candidate.engine.servers, candidate.key?.secret == entry.key?.secret,
                    !servers.addresses.isDisjoint(with: addresses)
                else { continue }
                return (other, servers)
            }
            return nil
        }
        while let next = neighbour() {
            members[next.name] = next.servers
            addresses.formUnion(next.servers.addresses)
        }
        func strictest(_ own: KeyPath<EngineEntry, Int?>, _ usual: KeyPath<EngineServers, Int?>) -> Int? {
            members.compactMap { engines[$0]?[keyPath: own] ?? $1[keyPath: usual] }.filter { $0 > 0 }.min()
        }
        let atEach = members.values.compactMap(\.concurrencyAtEach).min()
        return EngineGroup(
            names: members.keys.sorted(),
            limits: ConcurrencyController.Settings(
                ceiling: min(most, atEach.map { $0 * addresses.count } ?? most),
                requestsPerMinute: strictest(\.requestsPerMinute, \.requestsPerMinute),
                audioSecondsPerHour: strictest(\.audioSecondsPerHour, \.audioSecondsPerHour),
                firstAlone: Self.maximumFirst, waitsForEngine: waits))
    }
}
