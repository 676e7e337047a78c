import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// A folder whose file system should be mounted and is not.
@Suite struct MountTableTests {
    @Test func aFolderBelowABareMountPointIsKnown() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = folder.appending("inbox")
            func missing(_ line: String) -> FilePath? { MountTable(line).missingMount(above: inbox) }
            #expect(missing("server:/voice \(folder.string) nfs4 defaults,_netdev 0 0") == folder)
            #expect(missing("# server:/voice \(folder.string) nfs4 defaults 0 0") == nil)
            #expect(missing("server:/voice \(folder.string) nfs4 noauto,user 0 0") == nil, "nobody expects it")
            #expect(missing("server:/voice \(folder.string)x nfs4 defaults 0 0") == nil, "another folder")
            #expect(missing("UUID=1 / ext4 defaults 0 1") == nil)
            #expect(
                MountTable("proc /proc proc defaults 0 0").missingMount(above: "/proc/self") == nil, "it is mounted")
        }
    }
}
