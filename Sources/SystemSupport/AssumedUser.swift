import Glibc

/// Looking at files with the rights of another user, as root can.
package enum AssumedUser {
    /// Runs `body` with the rights of a user and its groups. The whole process has them meanwhile, so nothing else may be
    /// under way in it. Blocks.
    /// - Parameter user: nil, or where this process may not do that: `body` runs with the rights it has.
    package static func run<Result>(as user: AccountName?, _ body: () throws -> Result) rethrows -> Result {
        guard let user, geteuid() == 0 else { return try body() }
        let count = getgroups(0, nil)
        var before = [gid_t](repeating: 0, count: Int(max(0, count)))
        let (group, known) = (getegid(), getgroups(count, &before))
        guard initgroups(user.name, user.group) == 0 else { return try body() }
        defer { if known >= 0 { setgroups(Int(known), before) } }
        guard setegid(user.group) == 0 else { return try body() }
        defer { setegid(group) }
        guard seteuid(user.id) == 0 else { return try body() }
        defer { seteuid(0) }
        return try body()
    }
}

/// A user of this machine.
package struct AccountName: Sendable, Hashable {
    package let name: String
    /// User id.
    package let id: UInt32
    /// Of the user's primary group.
    package let group: UInt32

    /// Nil where the machine knows no such user. Blocks.
    package init?(id: UInt32) {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        guard getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name else {
            return nil
        }
        self.name = String(cString: name)
        (self.id, group) = (entry.pw_uid, entry.pw_gid)
    }
}
