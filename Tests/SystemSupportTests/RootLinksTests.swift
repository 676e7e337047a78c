import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Which links may lead to a folder that the configuration names.
@Suite struct RootLinksTests {
    private static let resolutions = [PathResolution.kernel, .stepwise]

    private static func makeTree(_ folder: FilePath) {
        mkdir(folder.appending("real").string, 0o755)
        mkdir(folder.appending("real/sub").string, 0o755)
        symlink("real", folder.appending("relative").string)
        symlink(folder.appending("real").string, folder.appending("absolute").string)
        symlink("./relative/../relative", folder.appending("twice").string)
        symlink("circle", folder.appending("circle").string)
    }

    private static func inode(_ path: FilePath) throws -> UInt64 { try FileStatus(at: path).identity.inode }

    @Test(arguments: resolutions) func ownLinksLeadThere(_ resolution: PathResolution) async throws {
        try await withTemporaryDirectory { folder in
            Self.makeTree(folder)
            for name in ["real", "relative", "absolute", "twice", "real/../absolute", "relative/sub", "./real/."] {
                let path = folder.appending(name)
                let open = try OpenFolder(root: path, resolution: resolution)
                #expect(open.path == path)
                #expect(try FileStatus(of: open.descriptor).identity.inode == Self.inode(path), "\(name)")
            }
            for (name, errno) in [
                ("circle", Errno.tooManySymbolicLinkLevels), ("relative/none", .noSuchFileOrDirectory),
                ("none/sub", .noSuchFileOrDirectory),
            ] {
                let error = #expect(throws: SystemError.self) {
                    _ = try OpenFolder(root: folder.appending(name), resolution: resolution)
                }
                #expect(error?.errno == errno && error?.sentence == nil, "\(name)")
            }
        }
    }

    /// Wherever on the way it lies.
    @Test(arguments: resolutions, ["relative", "absolute", "twice", "relative/sub", "real/../absolute/sub"])
    func linksOfOthersDoNot(_ resolution: PathResolution, _ name: String) async throws {
        try await withTemporaryDirectory { folder in
            Self.makeTree(folder)
            let path = folder.appending(name)
            let error = #expect(throws: SystemError.self) {
                _ = try OpenFolder(root: path, links: .of([geteuid() &+ 1]), resolution: resolution)
            }
            #expect(error?.errno == .tooManySymbolicLinkLevels)
            let text = error?.description ?? ""
            #expect(text.contains("The way to the folder \(path.string) leads over the symbolic link"), "\(text)")
            #expect(text.contains("which belongs to user \(geteuid())"), "\(text)")
            _ = try OpenFolder(root: path, links: .anybodys, resolution: resolution)
            _ = try OpenFolder(root: folder.appending("real/sub"), links: .of([]), resolution: resolution)
        }
    }
}
