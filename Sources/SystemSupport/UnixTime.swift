import Glibc

/// Seconds since 1970, as the journal and status files have them.
package enum UnixTime {
    /// Seconds since 1970, by the clock of the wall.
    package static func now() -> Int64 { Int64(time(nil)) }

    /// That have passed since `moment`; 0 where the clock was set back.
    package static func seconds(since moment: Int64) -> Int64 { max(0, now() - moment) }
}
