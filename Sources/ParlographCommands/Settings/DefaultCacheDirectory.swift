package import SystemPackage

/// Where the cache is if nothing says it: the system's folder where it can be written to, otherwise the user's own, so
/// that `transcribe` works without any set-up.
package enum DefaultCacheDirectory {
    /// Made for the service by its package.
    package static let ofSystem: FilePath = "/var/cache/parlograph"
    static let words = SettingsKey.Default.words(
        "\(ofSystem) if that can be written to, else $XDG_CACHE_HOME/parlograph, else ~/.cache/parlograph")

    /// - Parameter environment: of which XDG_CACHE_HOME and HOME count if they are absolute paths.
    static func path(_ environment: [String: String]) -> FilePath {
        if FolderRights.canWrite(ofSystem) { return ofSystem }
        if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") { return FilePath(base + "/parlograph") }
        if let home = environment["HOME"], home.hasPrefix("/") { return FilePath(home + "/.cache/parlograph") }
        return ofSystem
    }
}
