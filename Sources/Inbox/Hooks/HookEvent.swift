import FoundationEssentials
import SystemSupport

/// What a hook is told: one line of JSON, for a program's standard input and for a webhook's body, and a program's
/// variables.
package struct HookEvent: Sendable {
    private struct Body: Encodable {
        let type: String
        let timestamp: String
        let data: Facts
    }

    /// Its keys are a contract: programs read them.
    private struct Facts: Encodable {
        struct Failure: Encodable {
            let code: String?
            let message: String?
        }

        let result: String
        let job: Int64
        let name: String
        let inbox: String?
        let outbox: String?
        let recording: String?
        let sidecars: [String: String]?
        let bytes: Int64
        let engine: String
        let model: String?
        let language: String?
        let seconds: Double?
        let processing_seconds: Double?
        let chunks: Int?
        let cache_hits: Int?
        let gaps: Int?
        let warnings: Int?
        let error: Failure?
        let text: String?
        let text_is_cut: Bool?
    }

    /// How much of it is told.
    private enum Extent: CaseIterable {
        case all
        /// Without the paths of the sidecars.
        case noSidecars
        /// Only the name, and of that the beginning.
        case least
    }

    /// Standard Webhooks wants less than 20 KB.
    package static let maximumBytes = 20_000
    private static let maximumErrorCharacters = 1000
    private static let maximumShortName = 512

    private let call: HookCall

    package init(_ call: HookCall) { self.call = call }

    /// One line without its end, of `maximumBytes` at most.
    /// - Parameter text: of the transcript; nil: it is not told. As much of it as there is room for.
    package func json(text: String? = nil) -> [UInt8] {
        guard let text else {
            return Extent.allCases.lazy.map { encoded($0, nil, isCut: false) }.first { $0.count <= Self.maximumBytes }
                ?? []
        }
        var kept = String(decoding: text.utf8.prefix(Self.maximumBytes), as: UTF8.self)
        var isCut = kept.utf8.count < text.utf8.count
        while !kept.isEmpty {
            let line = encoded(.all, kept, isCut: isCut)
            if line.count <= Self.maximumBytes { return line }
            kept = String(kept.prefix(kept.count * 7 / 8))
            isCut = true
        }
        return json()
    }

    private func encoded(_ extent: Extent, _ text: String?, isCut: Bool) -> [UInt8] {
        let (facts, isLeast) = (call.facts, extent == .least)
        let name = Self.text(facts.name)
        let outbox = RawName(bytes: facts.outbox)
        let sidecars = facts.sidecars.mapValues { Self.text(outbox.appending(RawName(bytes: $0)).data) }
        let failure = facts.errorCode.map {
            Facts.Failure(code: $0, message: facts.error.map { String($0.prefix(Self.maximumErrorCharacters)) })
        }
        let body = Body(
            type: call.event.type, timestamp: Self.moment(facts.at),
            data: Facts(
                result: facts.result, job: call.job, name: isLeast ? String(name.prefix(Self.maximumShortName)) : name,
                inbox: isLeast ? nil : Self.text(call.inbox.data), outbox: isLeast ? nil : Self.text(facts.outbox),
                recording: isLeast ? nil : call.recording.map { Self.text($0.data) },
                sidecars: extent == .all && !sidecars.isEmpty ? sidecars : nil, bytes: facts.bytes,
                engine: facts.engine, model: facts.model, language: facts.language, seconds: facts.seconds,
                processing_seconds: facts.processingSeconds, chunks: facts.chunks, cache_hits: facts.cacheHits,
                gaps: facts.gaps, warnings: facts.warnings, error: failure, text: text,
                text_is_cut: text == nil ? nil : isCut))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(body)).map { Array($0) } ?? []
    }

    /// Bytes that are not UTF-8 are repaired: JSON has no others.
    private static func text(_ bytes: Data) -> String { String(decoding: bytes, as: UTF8.self) }

    /// In UTC, as RFC 3339 has it.
    private static func moment(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
}

// A program's variables.
extension HookEvent {
    /// The names that may be set, besides one for each format of the sidecars.
    package static let names = [
        "EVENT", "EVENT_ID", "ATTEMPT", "RESULT", "NAME", "RECORDING", "INBOX", "OUTBOX", "ENGINE", "LANGUAGE",
        "SECONDS", "ERROR_CODE", "ERROR",
    ].map { prefix + $0 }

    package static let prefix = "PARLOGRAPH_"

    /// Names and values, which are bytes where they are paths. What there is nothing to be said of is missing.
    package var variables: [(name: String, value: [UInt8])] {
        let facts = call.facts
        var out: [(name: String, value: [UInt8])] = []
        func set(_ name: String, _ value: [UInt8]?) {
            // No path has a zero byte, and no variable can have one.
            if let value { out.append((Self.prefix + name, value.filter { $0 != 0 })) }
        }
        func set(_ name: String, _ text: String?) { set(name, text.map { Array($0.utf8) }) }
        set("EVENT", call.event.type)
        set("EVENT_ID", call.identifier)
        set("ATTEMPT", "\(call.attempts)")
        set("RESULT", facts.result)
        set("NAME", Array(facts.name))
        set("RECORDING", call.recording?.bytes)
        set("INBOX", call.inbox.bytes)
        set("OUTBOX", Array(facts.outbox))
        set("ENGINE", facts.engine)
        set("LANGUAGE", facts.language)
        set("SECONDS", facts.seconds.map { "\($0)" })
        set("ERROR_CODE", facts.errorCode)
        set("ERROR", facts.error?.printable)
        for (format, path) in facts.sidecars.sorted(by: { $0.key < $1.key }) {
            set(format.uppercased(), RawName(bytes: facts.outbox).appending(RawName(bytes: path)).bytes)
        }
        return out
    }
}
