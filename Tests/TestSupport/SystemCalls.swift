package import Glibc
package import SystemPackage

/// System calls that only a test wants and that Swift's Glibc module does not show.
package enum SystemCalls {
    private static func function<Function>(_ name: String, as type: Function.Type) -> Function? {
        dlsym(nil, name).map { unsafeBitCast($0, to: type) }
    }

    private typealias Rename =
        @convention(c) (CInt, UnsafePointer<CChar>, CInt, UnsafePointer<CChar>, CUnsignedInt) -> CInt
    private static let rename = function("renameat2", as: Rename.self)
    private static let setFSUser = function("setfsuid", as: (@convention(c) (UInt32) -> CInt).self)

    private typealias LimitProcess =
        @convention(c) (pid_t, CUnsignedInt, UnsafePointer<rlimit>?, UnsafeMutablePointer<rlimit>?) -> CInt
    private static let limitProcess = function("prlimit", as: LimitProcess.self)

    /// How many descriptors another process may have from now on; those that are open stay so.
    /// - Returns: whether that could be set.
    package static func limitDescriptors(of process: pid_t, to count: UInt64) -> Bool {
        var limit = rlimit()
        guard limitProcess?(process, RLIMIT_NOFILE.rawValue, nil, &limit) == 0 else { return false }
        limit.rlim_cur = rlim_t(count)
        return limitProcess?(process, RLIMIT_NOFILE.rawValue, &limit, nil) == 0
    }

    /// Two entries of an open folder change places, in one step (RENAME_EXCHANGE).
    /// - Returns: whether they did.
    @discardableResult
    package static func exchange(_ one: String, _ other: String, in folder: FileDescriptor) -> Bool {
        rename?(folder.rawValue, one, folder.rawValue, other, 2) == 0
    }

    /// Runs `body` with the rights to files of another user, if this process is root's. Only this thread has them.
    package static func asUser<Value>(_ user: UInt32, _ body: () throws -> Value) rethrows -> Value {
        guard geteuid() == 0 else { return try body() }
        _ = setFSUser?(user)
        defer { _ = setFSUser?(0) }
        return try body()
    }
}
