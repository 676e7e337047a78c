import Engines
import Testing

/// Addresses cut as the transfer cuts them.
@Suite struct URLPartsTests {
    @Test(arguments: [
        ("https://Host.example:8443/v1?key=1#top", "Host.example:8443", "https://Host.example:8443/v1"),
        ("HTTP://user:pass%40word@host/a", "host", "http://host/a"),
        ("http://[::1]:9000/inference?x=y@z", "[::1]:9000", "http://[::1]:9000/inference"),
        ("http://user@h", "h", "http://h/"), ("http://a:b@c@h/", "h/", "h/"),
        ("/relative?token=secret", "/relative", "/relative"),
        ("//user:secret@host:port:port/x", "host:port:port/x", "host:port:port/x"),
    ])
    func whatIsShownHoldsNoSecret(_ row: (url: String, authority: String, shown: String)) {
        #expect(URLParts.authority(of: row.url) == row.authority)
        #expect(URLParts.withoutSecrets(row.url) == row.shown)
    }

    @Test(arguments: [
        ("http://localhost/", true), ("http://LOCALHOST:1", true), ("http://a.localhost", true),
        ("http://127.8.8.8:2/", true), ("http://[::1]/", true), ("http://u@127.0.0.1/", true),
        ("http://127.1/", true), ("http://127.evil.example/x", false), ("http://127.0.0.1.evil.example/", false),
        ("http://127.0.0.1x/", false), ("http://126.0.0.1/", false), ("http://localhost.example/", false),
        ("http://h/127.0.0.1", false), ("http://127.0.0.1@h/", false),
    ])
    func thisMachineIsKnown(_ row: (url: String, isLoopback: Bool)) throws {
        #expect(try #require(URLParts(row.url)).isLoopback == row.isLoopback)
    }

    @Test(arguments: ["", "h/v1", "https://", "http://h h/", "nonsense://h"])
    func whatTheTransferWouldNotTakeIsNone(_ url: String) { #expect(URLParts(url) == nil) }
}
