/// Something did not happen in time.
package struct Late: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// Asks again and again until `condition` is true: for what other processes and the kernel do, which nobody announces.
/// - Parameters:
///   - what: said in the error.
///   - limit: counted in looks, so that on a machine where the next look is long in coming the end of waiting is, too.
/// - Throws: `Late` after `limit`; what `condition` throws.
package func eventually(
    _ what: String, within limit: Duration = .seconds(600), _ condition: () async throws -> Bool
) async throws {
    let pause = Duration.milliseconds(20)
    var waited = Duration.zero
    while try await !condition() {
        guard waited < limit else { throw Late(description: "\(what): not within \(limit)") }
        try await Task.sleep(for: pause)
        waited += pause
    }
}
