import Transcription

/// Server-sent events, for servers that stream though nobody asked.
enum EventStreamReader {
    /// The transcript that the events add up to.
    /// - Parameter maximumEvents: more are not read.
    /// - Returns: also whether the stream has told its end. One that never does (speaches) is as whole as what carried it.
    /// - Throws: `ServerMessage` of an error event; `JSONFault` when an event could not be read, there are too many, or the
    ///   one is missing that ends a stream of this kind.
    static func read(_ bytes: ArraySlice<UInt8>, maximumEvents: Int) throws -> (heard: RawTranscript, hasEnded: Bool) {
        var heard = RawTranscript()
        var deltas = JoinedText()
        var final: String?
        var (lines, events) = (0, 0)
        // Pieces of a text are followed by an event with the whole; `[DONE]` ends streams of either kind.
        var (isInPieces, hasEnded) = (false, false)
        var fault: JSONFault?
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) where line.starts(with: "data:".utf8) {
            lines += 1
            guard lines <= maximumEvents else {
                throw JSONFault(reason: "holds more events than anybody could say words in that time")
            }
            let value: JSONValue
            do {
                guard let event = try event(line.dropFirst(5)) else { continue }
                value = event
            } catch is EndOfStream {
                hasEnded = true
                continue
            } catch let broken as JSONFault {
                fault = broken
                continue
            }
            if let message = ServerMessage(errorIn: value) { throw message }
            let type = value["type"]?.string ?? ""
            if type.hasSuffix(".delta") {
                isInPieces = true
                deltas.appendAsIs(value["delta"]?.string ?? "")
            } else if type.hasSuffix(".segment") {
                isInPieces = true
                RawTranscript.Piece(json: value).map { heard.pieces.append($0) }
            } else if type.hasSuffix(".done") {
                hasEnded = true
                final = value["text"]?.string
            } else if RawTranscript.isTranscript(value) {
                // speaches sends an object of the usual shape for each segment.
                let part = RawTranscript(json: value)
                heard.language = heard.language ?? part.language
                heard.pieces += part.pieces
                heard.words += part.words
                if part.pieces.isEmpty { deltas.append(part.text ?? "") }
            } else {
                continue
            }
            events += 1
        }
        if let fault {
            // The text of the last event is whole whatever came before it.
            guard final != nil else { throw fault }
            (heard.pieces, heard.words) = ([], [])
        }
        guard events > 0 else { throw JSONFault(reason: "is an event stream without a transcript in it") }
        guard hasEnded || !isInPieces else { throw JSONFault(reason: "breaks off before the event that ends it") }
        heard.text = final ?? (deltas.text.isEmpty ? nil : deltas.text)
        return (heard, hasEnded)
    }

    private struct EndOfStream: Error {}

    /// Nil for a line without data.
    /// - Throws: `EndOfStream`, `JSONFault`.
    private static func event(_ data: ArraySlice<UInt8>) throws -> JSONValue? {
        let data = data.drop { $0 == 0x20 || $0 == 0x09 }
        if data.starts(with: "[DONE]".utf8) { throw EndOfStream() }
        return data.isEmpty ? nil : try JSONReader.read(data)
    }
}
