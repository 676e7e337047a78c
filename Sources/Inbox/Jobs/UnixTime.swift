import Glibc

/// Seconds since 1970, as the journal and status files have them.
enum UnixTime {
    static func now() -> Int64 { Int64(time(nil)) }
}
