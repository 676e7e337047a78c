/// Something did not happen in time.
package struct Late: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// Asks again and again until `condition` is true: for what other processes and the kernel do, which nobody announces.
/// - Parameter what: said in the error.
/// - Throws: `Late` after `limit`; what `condition` throws.
package func eventually(
    _ what: String, within limit: Duration = .seconds(600), _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < end else { throw Late(description: "\(what): not within \(limit)") }
        try await Task.sleep(for: .milliseconds(20))
    }
}
