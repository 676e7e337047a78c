/// Server-sent events, for servers that stream though nobody asked.
enum EventStreamReader {
    /// The transcript that the events add up to.
    /// - Throws: `ServerMessage` of an error event; `JSONFault` when no event could be read.
    static func read(_ text: String) throws -> HeardText {
        var heard = HeardText()
        var deltas = ""
        var final: String?
        var events = 0
        var fault: JSONFault?
        for line in text.split(whereSeparator: \.isNewline) {
            guard line.hasPrefix("data:") else { continue }
            let data = line.dropFirst(5).trimmed
            guard !data.isEmpty, data != "[DONE]" else { continue }
            let value: JSONValue
            do { value = try JSONReader.read(Array(data.utf8)) } catch let broken as JSONFault {
                fault = broken
                continue
            }
            if let message = ServerMessage(errorIn: value) { throw message }
            events += 1
            let type = value["type"]?.string ?? ""
            if type.hasSuffix(".delta") {
                deltas += value["delta"]?.string ?? ""
            } else if type.hasSuffix(".segment") {
                HeardText.Piece(json: value).map { heard.pieces.append($0) }
            } else if type.hasSuffix(".done") {
                final = value["text"]?.string
            } else {
                // speaches sends an object of the usual shape for each segment.
                let part = HeardText(json: value)
                heard.language = heard.language ?? part.language
                heard.pieces += part.pieces
                heard.words += part.words
                if part.pieces.isEmpty { deltas = [deltas, part.text ?? ""].joinedAsText() }
            }
        }
        guard events > 0 else { throw fault ?? JSONFault(reason: "is an event stream without a transcript") }
        heard.text = final ?? (deltas.isEmpty ? nil : deltas)
        return heard
    }
}
