/// What `model.toml` beside a model's files says of it: a small part of TOML, keys with texts or lists of texts, and one
/// table, `[files]`, of names with their SHA-256.
package struct ModelManifest: Sendable, Hashable {
    /// In the model's folder.
    package static let fileName = "model.toml"
    /// In bytes.
    package static let maximumBytes = 64 << 10

    /// Nil: to be told by the names of the files.
    package var family: ModelFamily?
    /// ISO 639-1; empty where that is not known.
    package var languages: [String] = []
    /// Of the model, in words.
    package var licence: String?
    /// The address or the name of the archive or folder that it was added from.
    package var source: String?
    /// By name in the model's folder: SHA-256 in hexadecimal. Empty where no hashes are known.
    package var files: [String: String] = [:]

    package init() {}

    /// Why a text is no manifest: a line and what is wrong with it.
    package struct Fault: Error, CustomStringConvertible {
        /// From 1.
        package let line: Int
        package let reason: String
        package var description: String { "line \(line) \(reason)" }
    }

    /// - Throws: `Fault`.
    package init(parsing text: String) throws(Fault) {
        var isFiles = false
        for (at, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = raw.trimmingBlanks
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("[") {
                guard line == "[files]" else { throw Fault(line: at + 1, reason: "begins an unknown table.") }
                isFiles = true
                continue
            }
            guard let equals = line.firstIndex(of: "=") else { throw Fault(line: at + 1, reason: "has no “=”.") }
            let key = line[..<equals].trimmingBlanks
            guard let values = Self.texts(line[line.index(after: equals)...].trimmingBlanks) else {
                throw Fault(line: at + 1, reason: "has neither a text in quotes nor a list of them.")
            }
            do {
                try take(isFiles ? "files" : String(key), Self.unquoted(key) ?? String(key), values)
            } catch let reason as Reason {
                throw Fault(line: at + 1, reason: reason.text)
            } catch {
                throw Fault(line: at + 1, reason: "\(error)")
            }
        }
    }

    private struct Reason: Error { let text: String }

    private mutating func take(_ key: String, _ name: String, _ values: [String]) throws {
        switch key {
        case "files":
            guard !name.isEmpty, !name.contains("/"), let hash = values.first, hash.utf8.count == 64 else {
                throw Reason(text: "has no name of a file with its SHA-256.")
            }
            files[name] = hash
        case "family":
            guard let known = values.first.flatMap(ModelFamily.init) else {
                let all = ModelFamily.allCases.map(\.rawValue).joined(separator: ", ")
                throw Reason(text: "names a family that is not known; known are \(all).")
            }
            family = known
        case "languages": languages = values
        case "licence": licence = values.first
        case "source": source = values.first
        default: throw Reason(text: "has the unknown key “\(key)”.")
        }
    }

    /// The manifest as a file.
    package var text: String {
        var lines: [String] = []
        func line(_ key: String, _ value: String?) {
            if let value { lines.append("\(key) = \"\(Self.escaped(value))\"") }
        }
        line("family", family?.rawValue)
        lines.append("languages = [" + languages.map { "\"\(Self.escaped($0))\"" }.joined(separator: ", ") + "]")
        line("licence", licence)
        line("source", source)
        lines += ["", "[files]"]
        for (name, hash) in files.sorted(by: { $0.key < $1.key }) {
            lines.append("\"\(Self.escaped(name))\" = \"\(hash)\"")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func escaped(_ text: String) -> String {
        String(text.map { "\"\\\n\r".contains($0) ? "_" : $0 })
    }

    private static func texts(_ value: Substring) -> [String]? {
        if let text = unquoted(value) { return [text] }
        guard value.hasPrefix("["), value.hasSuffix("]") else { return nil }
        let inner = value.dropFirst().dropLast().trimmingBlanks
        if inner.isEmpty { return [] }
        let items = inner.split(separator: ",").map { unquoted($0.trimmingBlanks) }
        let known = items.compactMap(\.self)
        return known.count == items.count ? known : nil
    }

    private static func unquoted(_ value: Substring) -> String? {
        guard value.count >= 2, value.first == "\"", value.last == "\"" else { return nil }
        let inner = value.dropFirst().dropLast()
        return inner.contains { $0 == "\"" || $0 == "\\" } ? nil : String(inner)
    }
}

extension Substring {
    fileprivate var trimmingBlanks: Substring {
        var out = self
        while let first = out.first, first == " " || first == "\t" || first == "\r" { out.removeFirst() }
        while let last = out.last, last == " " || last == "\t" || last == "\r" { out.removeLast() }
        return out
    }
}
