import SystemPackage
import TestSupport

/// A file of the project's own, as its lines.
enum ProjectFile {
    static let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()

    /// - Parameter path: from the root of the project.
    static func text(_ path: String) throws -> String {
        String(decoding: try TestAudioFile.read(root.appending(path)), as: UTF8.self)
    }

    static func lines(_ path: String) throws -> [String] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

/// The mdoc source of a manual page, taken apart as far as tests look into it.
struct ManualPage {
    /// What stands behind `.It` up to the next one.
    struct Item {
        /// The title of its section, below `.Ss` where it has one of these.
        let section: String
        /// The line of `.It` without that.
        let head: String
        fileprivate(set) var lines: [String] = []

        /// What stands on the page.
        var text: String { ManualPage.rendered(lines) }

        /// What stands behind `label:` at the begin of a line, up to the next label, without the full stop.
        func field(_ label: String) -> String? {
            guard let first = lines.firstIndex(where: { $0.hasPrefix("\(label):") }) else { return nil }
            let rest = lines[first...].dropFirst().prefix { !$0.hasPrefix("Range:") && !$0.hasPrefix("Default:") }
            let text = ManualPage.rendered([String(lines[first].dropFirst(label.count + 1))] + rest)
            return text.hasSuffix(".") ? String(text.dropLast()) : nil
        }
    }

    private(set) var items: [Item] = []
    /// Lines that belong to no item, by the title of their section.
    private(set) var sections: [String: [String]] = [:]

    /// - Parameter path: from the root of the project.
    init(_ path: String) throws {
        var section = ""
        var isInItem = false
        for line in try ProjectFile.lines(path) {
            if line.hasPrefix(".Sh ") || line.hasPrefix(".Ss ") {
                section = Self.rendered([line])
                sections[section] = []
                isInItem = false
            } else if line.hasPrefix(".It ") {
                items.append(Item(section: section, head: String(line.dropFirst(4))))
                isInItem = true
            } else if line.hasPrefix(".El") {
                isInItem = false
            } else if isInItem {
                items[items.count - 1].lines.append(line)
            } else {
                sections[section]?.append(line)
            }
        }
    }

    private static let macros: Set<Substring> = [
        "Fl", "Ar", "Cm", "Pa", "Va", "Ev", "Ql", "Dq", "Xr", "Nm", "Op", "Ns",
    ]

    /// Without macros, in one line.
    static func rendered(_ lines: [String]) -> String {
        let words = lines.flatMap { line -> [Substring] in
            let words = line.split(separator: " ")
            return line.hasPrefix(".") ? words.dropFirst().filter { !macros.contains($0) } : words
        }
        var text = words.joined(separator: " ").replacing("\\(dq", with: "\"").replacing("\\&", with: "")
        for mark in [",", ".", ":", ";"] { text = text.replacing(" \(mark) ", with: "\(mark) ") }
        if text.hasSuffix(" .") { text = text.dropLast(2) + "." }
        return text
    }
}
