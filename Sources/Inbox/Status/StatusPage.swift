import SystemSupport

/// `status.html`: the queue of an outbox for the people who use it. A page without scripts that loads itself again.
package struct StatusPage: Sendable, Hashable {
    package struct Running: Sendable, Hashable {
        /// Printable, relative to the inbox.
        package var name: String
        /// 0...100; nil as long as the recording's length is unknown.
        package var percent: Int?
        /// For people, `about 2 min 20 s`, `waits about 10 min`; nil when it cannot be told.
        package var remaining: String?

        package init(name: String, percent: Int?, remaining: String?) {
            self.name = name
            self.percent = percent
            self.remaining = remaining
        }
    }

    package struct Finished: Sendable, Hashable {
        package var name: String
        /// Seconds since 1970.
        package var at: Int64
        /// Of a transcript with gaps that it has some, of a failure why.
        package var remark: String?

        package init(name: String, at: Int64, remark: String?) {
            self.name = name
            self.at = at
            self.remark = remark
        }
    }

    package var running: [Running] = []
    /// The first of those that wait.
    package var waiting: [String] = []
    package var waitingCount = 0
    /// Seen, but not complete yet.
    package var arriving = 0
    /// Files that are no recordings and stay where they are.
    package var foreign = 0
    /// Recordings that stay as they are since they have subtitles.
    package var subtitled = 0
    /// Since the day began, newest first.
    package var finished: [Finished] = []
    /// Newest first.
    package var failed: [Finished] = []
    /// What is wrong with the speech recognition, as a sentence; nil: nothing.
    package var outage: String?
    /// What is wrong with the folders that recordings are put into, as sentences.
    package var faults: [String] = []
    /// New recordings have to wait because there is no space.
    package var isShortOfSpace = false
    /// The service does not run since then, in seconds since 1970.
    package var stoppedAt: Int64?

    package init() {}

    /// What tells our pages from those of people, who may call one `status.html`, too.
    package static let mark = "<meta name=\"generator\" content=\"Parlograph\">"
    private static let refreshSeconds = 10

    /// The whole page.
    /// - Parameter now: seconds since 1970.
    package func html(now: Int64) -> String {
        var body = "<h1>Transcripts</h1>\n"
        if let stoppedAt {
            body +=
                "<p class=\"note\" role=\"status\"><strong>The service is not running since "
                + "\(LocalTime.moment(stoppedAt)).</strong> Nothing is lost: recordings in the inbox are taken up when it "
                + "runs again.</p>\n"
        } else if isShortOfSpace {
            body +=
                "<p class=\"note\" role=\"status\"><strong>New recordings wait, because too little space is left on "
                + "the server.</strong> Nothing is lost. Please tell your administrator.</p>\n"
        }
        if stoppedAt == nil, let outage {
            body +=
                "<p class=\"note\" role=\"status\"><strong>\(Self.escaped(outage))</strong> Nothing is lost and nothing "
                + "needs to be done: recordings wait, and go on by themselves.</p>\n"
        }
        if stoppedAt == nil {
            for fault in faults {
                body +=
                    "<p class=\"note\" role=\"status\"><strong>\(Self.escaped(fault))</strong> Nothing is lost. Please "
                    + "tell your administrator.</p>\n"
            }
            body += section(
                "In work", running.count, rows: running.map(row), columns: ["Recording", "Progress", "Time left"])
        }
        body += section(
            "Waiting", waitingCount, rows: waiting.map { [.head($0)] }, columns: ["Recording"],
            more: waitingCount - waiting.count)
        if arriving > 0 {
            body += "<p>\(arriving) more \(arriving == 1 ? "recording is" : "recordings are") arriving.</p>\n"
        }
        if foreign > 0 {
            body +=
                "<p>\(foreign) \(foreign == 1 ? "file in the inbox is no recording" : "files in the inbox are no recordings")"
                + " and \(foreign == 1 ? "stays" : "stay") there.</p>\n"
        }
        if subtitled > 0 {
            body +=
                "<p>\(subtitled) \(subtitled == 1 ? "recording has subtitles and is" : "recordings have subtitles and are")"
                + " left alone.</p>\n"
        }
        body += section(
            "Finished today", finished.count, rows: finished.map(row), columns: ["Recording", "When", "Remark"])
        body += section("Failed", failed.count, rows: failed.map(row), columns: ["Recording", "When", "Why"])
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            \(Self.mark)
            <meta http-equiv="refresh" content="\(Self.refreshSeconds)">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Transcripts: \(stoppedAt != nil ? "not running" : "\(running.count) in work, \(waitingCount) waiting")</title>
            <style>
            :root { color-scheme: light dark; font-family: sans-serif; line-height: 1.4; }
            body { max-width: 60rem; margin: 1rem auto; padding: 0 1rem; }
            table { border-collapse: collapse; width: 100%; }
            th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8888; }
            tbody th { font-weight: normal; overflow-wrap: anywhere; }
            .note { border: 2px solid; padding: .5rem 1rem; }
            </style>
            </head>
            <body>
            <main>
            \(body)</main>
            <footer>
            <p>Last change of this page: \(LocalTime.moment(now)). It is written when something changes; recordings that are
            in work change it every few seconds.</p>
            </footer>
            </body>
            </html>

            """
    }

    /// Text that goes into the page as it is, or with a meaning.
    private enum Cell {
        /// A recording's name: heads its row.
        case head(String)
        case text(String)
        case progress(Int)

        var html: String {
            switch self {
            // Set apart, so that a name from right to left does not turn its surroundings round.
            case .head(let name): "<th scope=\"row\"><bdi>\(StatusPage.escaped(name))</bdi></th>"
            case .text(let text): "<td>\(StatusPage.escaped(text))</td>"
            case .progress(let percent):
                "<td><progress max=\"100\" value=\"\(percent)\">\(percent) %</progress> \(percent) %</td>"
            }
        }
    }

    private func row(_ running: Running) -> [Cell] {
        [
            .head(running.name), running.percent.map { .progress($0) } ?? .text("begun"),
            .text(running.remaining ?? ""),
        ]
    }

    private func row(_ finished: Finished) -> [Cell] {
        [.head(finished.name), .text(LocalTime.moment(finished.at)), .text(finished.remark ?? "")]
    }

    private func section(
        _ title: String, _ count: Int, rows: [[Cell]], columns: [String], more: Int = 0
    ) -> String {
        guard count > 0 else { return "<h2>\(title)</h2>\n<p>None.</p>\n" }
        let heads = columns.map { "<th scope=\"col\">\($0)</th>" }.joined()
        let lines = rows.map { "<tr>" + $0.map(\.html).joined() + "</tr>" }.joined(separator: "\n")
        let rest = more > 0 ? "<p>and \(more) more.</p>\n" : ""
        return "<h2>\(title) (\(count))</h2>\n<table>\n<thead><tr>\(heads)</tr></thead>\n<tbody>\n\(lines)\n</tbody>\n"
            + "</table>\n\(rest)"
    }

    private static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.printable.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
