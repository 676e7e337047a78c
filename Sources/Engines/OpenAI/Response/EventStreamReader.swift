/// Server-sent events, for servers that stream though nobody asked.
enum EventStreamReader {
    /// The transcript that the events add up to.
    /// - Parameter eventLimit: more are not read.
    /// - Throws: `ServerMessage` of an error event; `JSONFault` when no event could be read, or there are too many.
    static func read(_ bytes: ArraySlice<UInt8>, eventLimit: Int) throws -> HeardText {
        var heard = HeardText()
        var deltas = JoinedText()
        var final: String?
        var (lines, events) = (0, 0)
        var fault: JSONFault?
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) where line.starts(with: "data:".utf8) {
            lines += 1
            guard lines <= eventLimit else {
                throw JSONFault(reason: "holds more events than anybody could say words in that time")
            }
            let value: JSONValue
            do {
                guard let event = try event(line.dropFirst(5)) else { continue }
                value = event
            } catch let broken as JSONFault {
                fault = broken
                continue
            }
            if let message = ServerMessage(errorIn: value) { throw message }
            let type = value["type"]?.string ?? ""
            if type.hasSuffix(".delta") {
                deltas.appendAsIs(value["delta"]?.string ?? "")
            } else if type.hasSuffix(".segment") {
                HeardText.Piece(json: value).map { heard.pieces.append($0) }
            } else if type.hasSuffix(".done") {
                final = value["text"]?.string
            } else if HeardText.isTranscript(value) {
                // speaches sends an object of the usual shape for each segment.
                let part = HeardText(json: value)
                heard.language = heard.language ?? part.language
                heard.pieces += part.pieces
                heard.words += part.words
                if part.pieces.isEmpty { deltas.append(part.text ?? "") }
            } else {
                continue
            }
            events += 1
        }
        guard events > 0 else { throw fault ?? JSONFault(reason: "is an event stream without a transcript in it") }
        heard.text = final ?? (deltas.text.isEmpty ? nil : deltas.text)
        return heard
    }

    /// Nil for the end of the stream.
    private static func event(_ data: ArraySlice<UInt8>) throws -> JSONValue? {
        let data = data.drop { $0 == 0x20 || $0 == 0x09 }
        return data.isEmpty || data.starts(with: "[DONE]".utf8) ? nil : try JSONReader.read(data)
    }
}
