import Glibc
package import SystemPackage
import SystemSupport

/// Runs `body` with a fresh folder that is removed afterwards, whatever happens.
/// - Throws: what `body` throws.
package func withTemporaryDirectory<Result>(_ body: (FilePath) async throws -> Result) async throws -> Result {
    var template = Array("/tmp/parlograph-test-XXXXXX".utf8CString)
    let path = template.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.flatMap { mkdtemp($0) }.map { FilePath(platformString: $0) }
    }
    guard let path else { throw Errno(rawValue: errno) }
    defer { removeTree(path) }
    return try await body(path)
}

/// rm -rf without following links.
private func removeTree(_ path: FilePath) {
    try? DirectoryLister.forEach(in: path) { entry in
        let child = path.pushing(entry.name.path)
        if entry.kind == .directory { removeTree(child) } else { _ = child.withPlatformString { unlink($0) } }
        return true
    }
    _ = path.withPlatformString { rmdir($0) }
}
