import FoundationEssentials
import Inbox
import SystemSupport
import TestSupport
import Testing

/// What a webhook's receiver gets, by Standard Webhooks 1.0.0.
@Suite struct WebhookTests {
    /// The example that the libraries of Standard Webhooks are tested with.
    @Test func theSignatureIsThatOfTheStandard() throws {
        let secret = try #require(WebhookSecret(HookFixture.secret))
        let request = Webhook.request(
            to: "https://h/", identifier: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: Array(#"{"test": 2432232314}"#.utf8),
            secret: secret, now: 1_614_265_330)
        let headers = Dictionary(uniqueKeysWithValues: request.headers.map { ($0.name, $0.value) })
        #expect(headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek")
        #expect(headers["webhook-timestamp"] == "1614265330")
        #expect(headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        #expect((15...30).contains(request.timeout.components.seconds))
    }

    @Test(arguments: [
        (24, true), (64, true), (23, false), (65, false),
    ]) func aSecretHas24To64Bytes(_ count: Int, _ isOne: Bool) {
        let text = "whsec_" + Data(repeating: 7, count: count).base64EncodedString()
        #expect((WebhookSecret(text) != nil) == isOne)
    }

    @Test func whatIsNoSecretIsRefusedAndNoneIsShown() throws {
        for text in [
            "", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_***", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            #expect(WebhookSecret(text) == nil, "\(text)")
        }
        let secret = try #require(WebhookSecret(HookFixture.secret))
        var dumped = ""
        dump(secret, to: &dumped)
        for shown in ["\(secret)", String(reflecting: secret), dumped] {
            #expect(!shown.contains("MfKQ") && !shown.contains("49"))
        }
    }

    /// Seconds of the standard's schedule, and what programs get.
    @Test func theScheduleIsThatOfTheStandardWithJitterOnTop() {
        let waits = (1...10).map { HookSchedule.pause(after: $0, .webhook, random: 0)?.components.seconds }
        #expect(waits == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, nil])
        #expect(HookSchedule.pause(after: 2, .webhook, random: 0.5) == .seconds(330))
        #expect(HookSchedule.pause(after: 1, .program, random: 0.9) == .seconds(30))
        #expect(HookSchedule.pause(after: 3, .program, random: 0) == .seconds(120))
        #expect(HookSchedule.pause(after: 20, .program, random: 0) == .seconds(3600))
        #expect(HookSchedule.pause(after: 30, .program, random: 0) == nil)
    }

    private func call(_ name: String) async throws -> HookCall {
        try await withTemporaryDirectory { folder in
            let fixture = try await HookFixture(folder)
            try await fixture.fail(name)
            let due = try await fixture.journal.dueHookCalls(
                of: fixture.inboxes[0].id, .webhook, now: fixture.now.value, limit: 9)
            return try #require(due.first)
        }
    }

    @Test func theBodyIsThinAndNeverLargerThanTheStandardWants() async throws {
        let plain = try await call("sub/Björn \"1\".mp3")
        let text = String(decoding: HookEvent(plain).json(), as: UTF8.self)
        #expect(text.contains(#""type":"recording.failed""#) && text.contains(#""timestamp":"2023-11-14T22:13:20Z""#))
        #expect(text.contains(#""name":"sub/Björn \"1\".mp3""#) && text.contains(#""recording":"/failed/sub/"#))
        #expect(text.contains(#""error":{"code":"undecodable","message":"It is damaged."}"#))
        #expect(!text.contains("\n"))

        // Names may be as long as paths are, and be of characters that JSON writes with six.
        let hostile = try await call(String(repeating: "\u{1}", count: 4000))
        #expect((1...20_000).contains(HookEvent(hostile).json().count))
        for body in [String(repeating: "a\n", count: 40_000), String(repeating: "\u{1}ü", count: 9000)] {
            let line = HookEvent(plain).json(text: body)
            #expect((10_000...20_000).contains(line.count))
            #expect(String(validating: line, as: UTF8.self)?.contains(#""text_is_cut":true"#) == true)
        }
        #expect(String(decoding: HookEvent(plain).json(text: "short"), as: UTF8.self).contains(#""text_is_cut":false"#))
    }
}
