/// What a server says of a failure, found in the many shapes that servers use.
package struct ServerMessage: Error, Sendable, Hashable {
    /// For people: one line, tags stripped, at most 200 characters. Not yet free of secrets: see `Redaction`.
    package var text: String
    /// `code` and `type` of the error, in lower case; empty where there is none.
    package var code: String
    package var type: String
    /// The request field the server complains of.
    package var parameter: String

    package init(text: String, code: String = "", type: String = "", parameter: String = "") {
        self.text = Self.oneLine(text)
        self.code = code
        self.type = type
        self.parameter = parameter
    }

    private static let maximumLength = 200
    /// More bytes are not looked at for those characters.
    private static let maximumBytes = 16 << 10

    /// The message in the body of an unsuccessful answer.
    package init(body: [UInt8]) {
        if let value = try? JSONReader.read(body.prefix(64 << 10)), let message = Self(errorIn: value) {
            self = message
        } else if let value = try? JSONReader.read(body.prefix(64 << 10)), let text = value.string {
            self.init(text: text)
        } else {
            let text = String(decoding: body.prefix(Self.maximumBytes), as: UTF8.self)
            self.init(text: ["{}", "[]", "null"].contains(text.trimmed) ? "" : Self.withoutTags(text))
        }
    }

    /// Nil when `value` is no error. Where something was transcribed only an error with members of its own is one; a
    /// transcript of nothing is none when it says that all is well.
    init?(errorIn value: JSONValue) {
        guard value.isObject else { return nil }
        let error = value["error"] ?? .null
        let isTranscript = RawTranscript.isTranscript(value)
        guard let text = Self.text(error: error, in: value, isTranscript: isTranscript), !text.trimmed.isEmpty else {
            return nil
        }
        if isTranscript {
            let isFine = value["message"]?.string == text && Self.assurances.contains(text.trimmed.lowercased())
            if isFine || !error.isObject && RawTranscript.holdsText(value) { return nil }
        }
        let holder = error.isObject ? error : value
        let parameter = Self.word(holder["param"] ?? value["detail"]?.array?.first?["loc"]?.array?.last)
        self.init(
            text: text, code: Self.word(holder["code"]), type: Self.word(holder["type"]), parameter: parameter)
    }

    private static let assurances: Set<String> = ["ok", "success"]
    private static let unnamed = "unnamed error"

    private static func text(error: JSONValue, in value: JSONValue, isTranscript: Bool) -> String? {
        if let text = error["message"]?.string, !text.trimmed.isEmpty { return text }
        if case .object(let members) = error {
            let name = word(error["code"] ?? error["type"])
            return name.isEmpty ? members.isEmpty ? nil : unnamed : name
        }
        let said = [error, value["message"] ?? .null, value["detail"] ?? .null].compactMap(\.string)
        if let text = said.first(where: { !$0.trimmed.isEmpty }) { return text }
        if let details = value["detail"]?.array {
            let texts = details.prefix(8).compactMap { detail -> String? in
                guard let message = detail["msg"]?.string else { return detail.string }
                let place = (detail["loc"]?.array ?? []).map(word).joined(separator: ".")
                return place.isEmpty ? message : "\(place): \(message)"
            }
            return texts.joined(separator: "; ")
        }
        if let detail = value["detail"], detail.isObject {
            return detail["message"]?.string ?? detail["msg"]?.string ?? unnamed
        }
        if error == .bool(true) || error.finiteNumber.map({ $0 != 0 }) ?? false { return unnamed }
        return isTranscript ? nil : value["title"]?.string
    }

    /// `code` may be a number, a text, null or "null".
    private static func word(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text): text == "null" ? "" : text.trimmed.lowercased()
        case .number(let number): Int(exactly: number).map(String.init) ?? ""
        default: ""
        }
    }

    private static func oneLine(_ text: String) -> String {
        let text = String(decoding: text.utf8.prefix(maximumBytes), as: UTF8.self)
        var out = ""
        var count = 0
        var wasSpace = true
        for character in text.withoutControls {
            let isSpace =
                character.isWhitespace
                || character.unicodeScalars.contains { $0.properties.generalCategory == .control }
            if isSpace, wasSpace { continue }
            wasSpace = isSpace
            out.append(isSpace ? " " : character)
            count += 1
            if count == maximumLength { return out + "…" }
        }
        return out.trimmed
    }

    /// The words of an HTML page; scripts and styles left out.
    static func withoutTags(_ text: String) -> String {
        guard text.contains("<") else { return text }
        var out = ""
        var rest = text[...]
        // Each is looked for until it is found nowhere: it is nowhere behind that either.
        var hiding = ["script", "style"]
        while let open = rest.firstIndex(of: "<") {
            out += rest[..<open] + " "
            rest = rest[open...]
            let name = rest.dropFirst().prefix(6).lowercased()
            if let hidden = hiding.first(where: { name.hasPrefix($0) }) {
                if let end = rest.firstRange(of: "</\(hidden)") {
                    rest = rest[end.lowerBound...]
                } else {
                    hiding.removeAll { $0 == hidden }
                }
            }
            guard let close = rest.firstIndex(of: ">") else { return out }
            rest = rest[rest.index(after: close)...]
        }
        return out + rest
    }
}
