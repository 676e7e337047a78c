import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// A folder whose file system should be mounted and is not.
@Suite struct MountTableTests {
    @Test func aFolderBelowABareMountPointIsKnown() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = folder.appending("inbox")
            func missing(_ line: String) -> FilePath? { MountTable(line, mounted: "").missingMount(above: inbox) }
            #expect(missing("server:/voice \(folder.string) nfs4 defaults,_netdev 0 0") == folder)
            #expect(missing("# server:/voice \(folder.string) nfs4 defaults 0 0") == nil)
            #expect(missing("server:/voice \(folder.string) nfs4 noauto,user 0 0") == nil, "nobody expects it")
            #expect(missing("server:/voice \(folder.string)x nfs4 defaults 0 0") == nil, "another folder")
            #expect(missing("UUID=1 / ext4 defaults 0 1") == nil)
            #expect(
                MountTable("proc /proc proc defaults 0 0", mounted: "").missingMount(above: "/proc/self") == nil,
                "it is mounted")
        }
    }

    /// A folder that is bound to another of its own file system has the device number of what is around it.
    @Test func aFolderThatIsBoundWithinOneFileSystemIsMounted() async throws {
        try await withTemporaryDirectory { folder in
            let (point, link) = (folder.appending("voice mail"), folder.appending("link"))
            #expect(mkdir(point.string, 0o755) == 0 && symlink(point.string, link.string) == 0)
            func field(_ path: FilePath) -> String { path.string.replacing(" ", with: "\\040") }
            let mounted = "36 29 8:1 /data \(field(point)) rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
            func missing(_ point: FilePath, mounted: String) -> FilePath? {
                MountTable("/data \(field(point)) none bind 0 0", mounted: mounted)
                    .missingMount(above: point.appending("inbox"))
            }
            #expect(missing(point, mounted: "") == point)
            #expect(missing(point, mounted: mounted) == nil)
            #expect(missing(point, mounted: mounted.replacing("mail", with: "mai")) == point, "another folder")
            #expect(missing(point, mounted: "36 29 8:1 \(field(point))\n") == point, "no line of that table")
            #expect(missing(link, mounted: mounted) == nil, "the table has no links")
        }
    }
}
