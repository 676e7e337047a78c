import SystemPackage
import SystemSupport
package import Transcription

// What a status tells besides figures: of engines, outboxes, and recordings that arrive.
extension ServiceStatus {
    /// One inbox that is served, with what its recordings need.
    package struct Inbox: Sendable, Codable, Hashable {
        /// Printable, as all paths here.
        package var path: String
        package var outbox: String
        package var engine: String

        package init(path: String, outbox: String, engine: String) {
            self.path = path
            self.outbox = outbox
            self.engine = engine
        }
    }

    /// An outbox that cannot be written to.
    package struct OutboxStatus: Sendable, Codable, Hashable {
        package var path: String
        /// Seconds since 1970.
        package var since: Int64
        package var cause: String
        /// Seconds since 1970.
        package var nextTry: Int64

        private enum CodingKeys: String, CodingKey {
            case path, since, cause
            case nextTry = "next_try"
        }

        package init(path: String, since: Int64, cause: String, nextTry: Int64) {
            self.path = path
            self.since = since
            self.cause = cause
            self.nextTry = nextTry
        }
    }

    /// An engine, with its figures where it has been made.
    package struct EngineStatus: Sendable, Codable, Hashable {
        package enum State: String, Sendable, Codable {
            case ok
            /// It does not answer.
            case waiting
            /// It cannot be used as it is set up: key, model, address, quota.
            case refused
            /// It asked to be left alone, or its limit of requests or audio is spent.
            case paused
        }

        package var state = State.ok
        /// Since when it is so, in seconds since 1970; nil while it is well.
        package var since: Int64?
        /// In a sentence for an administrator.
        package var cause: String?
        /// When it is tried again, in seconds since 1970; nil: as soon as something comes of what it was asked.
        package var nextTry: Int64?
        /// Requests that may be under way at the moment.
        package var limit: Int?
        /// Requests that may ever be under way together.
        package var ceiling: Int?
        package var inFlight: Int?
        package var waiting: Int?
        package var requestsInLastMinute: Int?
        /// That may begin; nil: no limit.
        package var requestsPerMinute: Int?

        private enum CodingKeys: String, CodingKey {
            case state, since, cause, limit, ceiling, inFlight, waiting, requestsInLastMinute, requestsPerMinute
            case nextTry = "next_try"
        }

        package init(_ figures: ConcurrencyController.Figures? = nil) {
            limit = figures?.limit
            ceiling = figures?.ceiling
            inFlight = figures?.inFlight
            waiting = figures?.waiting
            requestsInLastMinute = figures?.requestsInLastMinute
            requestsPerMinute = figures?.requestsPerMinute
        }

        private var limitWords: String {
            requestsPerMinute.map {
                " of \(CountedText.text($0, "request")) a minute (api_rate_limit_per_minute; if its server takes more, raise "
                    + "it and reload)"
            } ?? ""
        }

        /// What its state is, since when and why, as the end of a sentence.
        package var words: String {
            let time = since.map { " since \(LocalTime.moment($0))" } ?? ""
            let again = nextTry.map { " Tried again at \(LocalTime.moment($0))" }
            let why = cause.map { ": \($0)" } ?? "."
            return switch state {
            case .ok: "ok."
            case .waiting: "has not answered\(time)\(why)\(again.map { $0 + "." } ?? "")"
            case .refused:
                "has not been usable\(time)\(why)\(again ?? " Tried with the next recording"), and at once after a "
                    + "reload."
            case .paused:
                "takes no request now: it asked for a pause, or its limit\(limitWords) is spent.\(again.map { $0 + "." } ?? "")"
            }
        }
    }

    /// A recording that was looked at and is not complete yet.
    package struct ArrivingRecording: Sendable, Codable, Hashable {
        package enum Reason: String, Sendable, Codable {
            case quiet, open, locked, incomplete, unreadable, inboxAway
        }

        /// Printable, relative to the inbox.
        package var name: String
        package var inbox: String
        /// When it was found, in seconds since 1970.
        package var foundAt: Int64
        package var reason: Reason
        /// Bytes, of one that is incomplete: what is there, and what there should be at least.
        package var arrived: Int64?
        package var expected: Int64?
        /// Of one that is unreadable.
        package var fault: String?

        private enum CodingKeys: String, CodingKey {
            case name, inbox, reason, arrived, expected, fault
            case foundAt = "found_at"
        }

        package init(name: String, inbox: String, foundAt: Int64, _ hindrance: CompletenessRule.Hindrance) {
            self.name = name
            self.inbox = inbox
            self.foundAt = foundAt
            switch hindrance {
            case .quiet: reason = .quiet
            case .writer: reason = .open
            case .locked: reason = .locked
            case .inboxAway: reason = .inboxAway
            case .short(let shortfall):
                (reason, arrived, expected) = (.incomplete, shortfall.arrived, shortfall.expected)
            case .unreadable(let errno): (reason, fault) = (.unreadable, "\(errno)")
            }
        }

        private var accessRemedy: String {
            guard [Errno.permissionDenied, .notPermitted].map({ "\($0)" }).contains(fault) else {
                return "Look at its disk or server."
            }
            let file = "\(inbox)/\(name)".shellWord
            return "Let the group of the inbox read it: chgrp --reference=\(inbox.shellWord) \(file); "
                + "chmod g+rw \(file)"
        }

        /// Why it is not taken, and the remedy, in sentences.
        package var sentence: String {
            switch reason {
            case .quiet: "It may still be written to: it is taken when nothing has happened to it for a while."
            case .open: "A program has it open for writing."
            case .locked: "It is open elsewhere, and locked there."
            case .inboxAway: "Its inbox cannot be opened."
            case .incomplete:
                expected.map {
                    "It is not complete: \(ByteCount.text(arrived ?? 0)) of \(ByteCount.text($0)) arrived."
                } ?? "It is not complete: its end is missing."
            case .unreadable: "It cannot be read by the service: \(fault ?? "unknown"). \(accessRemedy)"
            }
        }
    }
}
