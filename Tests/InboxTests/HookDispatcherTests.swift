import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// Who is told of recordings that have ended, how often and when, with a clock that the test plays.
@Suite(.timeLimit(.minutes(20))) struct HookDispatcherTests {
    private struct Refused: Error, CustomStringConvertible { let description = "does not answer." }

    /// The identifiers of the requests that a receiver took, and how often it was asked.
    private final class Receiver: Sendable {
        let taken = Guarded<[String]>([])
        let asked = Guarded<[String: Int]>([:])

        func answer(_ request: WebhookRequest, _ status: Int?) throws -> Int {
            let id = request.headers.first { $0.name == "webhook-id" }?.value ?? ""
            asked.change { $0[id, default: 0] += 1 }
            guard let status else { throw Refused() }
            if (200..<300).contains(status) { taken.change { $0.append(id) } }
            return status
        }
    }

    /// The receiver is down for an hour, and the service restarts meanwhile: it is told once, after that; the other inbox
    /// is told at once.
    @Test func aReceiverThatIsDownForAnHourIsToldOnceAfterwards() async throws {
        try await withTemporaryDirectory { folder in
            let fixture = try await HookFixture(folder, inboxes: ["away", "here"])
            let (away, here) = (Receiver(), Receiver())
            let send: WebhookSender = { request in
                guard request.url == "http://away/" else { return try here.answer(request, 204) }
                return try away.answer(request, fixture.time < 3600 ? nil : 200)
            }
            try await fixture.fail("a.mp3", in: 0)
            try await fixture.fail("b.mp3", in: 1)
            try await fixture.serving(send) { dispatcher in
                try await eventually("the other inbox") { here.taken.value.count == 1 }
                try await fixture.tick(dispatcher, until: "three attempts") { away.asked.value.values.first == 3 }
                try await eventually("what is told") { dispatcher.troubles.first?.waiting == 1 }
            }
            #expect(away.taken.value.isEmpty)
            #expect(fixture.time < 1800)
            try await fixture.serving(send) { dispatcher in
                try await eventually("what is told after the restart") { dispatcher.troubles.count == 1 }
                try await fixture.tick(dispatcher, until: "the webhook") { !away.taken.value.isEmpty }
                #expect(fixture.time >= 3600)
                try await eventually("the end of trouble") { dispatcher.troubles.isEmpty }
                // Nothing more comes of it.
                for _ in 0..<50 {
                    fixture.now.change { $0 += 7200 }
                    dispatcher.wake.signal()
                    try await fixture.journal.beginHookCall(0)
                }
            }
            #expect(away.taken.value.count == 1 && away.asked.value.count == 1)
            #expect(here.taken.value.count == 1)
            #expect(try await fixture.journal.hookCalls().isEmpty)
        }
    }

    /// Hundreds of recordings do not ask a receiver that is away hundreds of times, and all are told when it is back.
    @Test func whileAReceiverIsAwayOneCallAtATimeFindsOut() async throws {
        try await withTemporaryDirectory { folder in
            let fixture = try await HookFixture(folder)
            let receiver = Receiver()
            for number in 0..<200 { try await fixture.fail("\(number).mp3") }
            try await fixture.serving({ try receiver.answer($0, fixture.time < 3600 ? 503 : 200) }) { dispatcher in
                try await fixture.tick(dispatcher, until: "the hour") { fixture.time >= 3600 }
                let asked = receiver.asked.value.values.reduce(0, +)
                #expect(asked < 80)
                try await fixture.tick(dispatcher, until: "all webhooks") { receiver.taken.value.count == 200 }
            }
            #expect(Set(receiver.taken.value).count == 200)
        }
    }

    @Test func gone410SwitchesItOffUntilAReload() async throws {
        try await withTemporaryDirectory { folder in
            let fixture = try await HookFixture(folder)
            let (receiver, status) = (Receiver(), Guarded(410))
            try await fixture.fail("a.mp3")
            try await fixture.serving({ try receiver.answer($0, status.value) }) { dispatcher in
                try await eventually("the answer") { dispatcher.troubles.count == 1 }
                try await fixture.fail("b.mp3")
                for _ in 0..<100 {
                    fixture.now.change { $0 += 3600 }
                    dispatcher.wake.signal()
                    try await fixture.journal.beginHookCall(0)
                }
                #expect(receiver.asked.value.values.reduce(0, +) == 1)
                status.change { $0 = 200 }
                await dispatcher.tryAgain()
                try await fixture.tick(dispatcher, until: "both") { receiver.taken.value.count == 2 }
            }
            #expect(fixture.log.list(of: "webhook is switched off").count == 1)
        }
    }

    @Test(arguments: [301, 302, 308, 400, 404, 500]) func onlyAnAnswerOf2xxIsSuccess(_ status: Int) async throws {
        try await withTemporaryDirectory { folder in
            let fixture = try await HookFixture(folder)
            try await fixture.fail("a.mp3")
            try await fixture.serving({ _ in status }) { dispatcher in
                try await eventually("the failure") { dispatcher.troubles.first?.cause.contains("\(status)") == true }
            }
            #expect(try await fixture.journal.hookCalls().values.first?.first?.attempts == 1)
        }
    }

    /// After the last attempt it is given up and told as such; a reload tries it again.
    @Test func whatFailsForDaysIsGivenUpAndTriedAgainAfterAReload() async throws {
        try await withTemporaryDirectory { folder in
            let fixture = try await HookFixture(folder)
            let (receiver, status) = (Receiver(), Guarded(500))
            try await fixture.fail("a.mp3")
            try await fixture.serving({ try receiver.answer($0, status.value) }) { dispatcher in
                try await fixture.tick(dispatcher, minutes: 60, until: "that it is given up") {
                    dispatcher.troubles.first?.givenUp == 1
                }
                #expect(receiver.asked.value.values.first == 10)
                #expect(fixture.time / 3600 >= 83)
                status.change { $0 = 200 }
                await dispatcher.tryAgain()
                try await fixture.tick(dispatcher, until: "the webhook") { receiver.taken.value.count == 1 }
            }
        }
    }

    /// It is not known yet where the recording will lie.
    @Test func nothingIsToldBeforeTheRecordingIsInItsPlace() async throws {
        try await withTemporaryDirectory { folder in
            let fixture = try await HookFixture(folder)
            let job = try await fixture.fail("a.mp3")
            func due() async throws -> Int {
                try await fixture.journal.dueHookCalls(
                    of: fixture.inboxes[0].id, .webhook, now: fixture.now.value, limit: 9
                ).count
            }
            #expect(try await due() == 1)
            try await fixture.journal.markSource(job.id, .pending)
            #expect(try await due() == 0)
            // It cannot be moved: that is told of elsewhere, and holds nothing up.
            try await fixture.journal.noteStuck(job.id, because: "The disk is full.")
            #expect(try await due() == 1)
        }
    }

    /// The service ended between the sidecars and the end of the job: what was written down before is told, once.
    @Test func whatWasWrittenDownBeforeACrashIsTold() async throws {
        try await withTemporaryDirectory { folder in
            let fixture = try await HookFixture(folder)
            let journal = fixture.journal
            let (inbox, path) = (fixture.inboxes[0], RawName(bytes: "a.mp3".utf8))
            let identity = FileIdentity(device: 1, inode: 2, byteCount: 1000, modified: 5)
            let job = try #require(
                try await journal.enqueue(inbox: inbox.id, path: path, identity: identity, now: 1) { _ in path })
            let facts = HookFacts(failing: job, of: inbox, error: TranscriptionError(.tooLarge, "x"), at: 1)
            try await journal.recordDelivery(job.id, digests: [], outcome: .delivered, facts: facts)
            for _ in 0..<2 {
                let order = HookOrder(.delivered, [.webhook], nil)
                try await journal.finish(job.id, state: .delivered, error: nil, hooks: order, now: 2)
            }
            let calls = try await journal.hookCalls()[job.id] ?? []
            #expect(calls.count == 1 && calls.first?.facts == facts)
        }
    }

    @Test func callsOfHooksThatAreNoLongerSetAreForgotten() async throws {
        try await withTemporaryDirectory { folder in
            var fixture = try await HookFixture(folder)
            try await fixture.fail("a.mp3")
            fixture.inboxes[0].hooks.webhook = nil
            try await fixture.serving({ _ in 200 }) { _ in }
            #expect(try await fixture.journal.hookCalls().isEmpty)
        }
    }
}
