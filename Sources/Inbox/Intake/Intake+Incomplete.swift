package import SystemSupport

extension Intake {
    /// A recording that cannot be taken as it is and about which a person should know.
    package struct Incomplete: Sendable {
        package enum Reason: Sendable, Hashable {
            case short(CompletenessRule.Shortfall, FileIdentity)
            case unreadable

            /// Nil: there is nothing to be told a person.
            /// - Parameter look: the one that led to the remark.
            init?(for remark: CompletenessRule.Remark?, _ look: CompletenessRule.Look) {
                switch (remark, look) {
                case (.note(let shortfall), .present(let identity, _, _)): self = .short(shortfall, identity)
                case (.noteUnreadable, _): self = .unreadable
                default: return nil
                }
            }
        }

        package let path: RawName
        /// Nil: nothing is to be said; it is gone, or something else lies there now, and a note about it is out of date.
        package let reason: Reason?
        /// `serve --once` leaves it where it is.
        package let isGivenUp: Bool
    }
}
