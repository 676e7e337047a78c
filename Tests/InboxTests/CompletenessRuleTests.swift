import Inbox
import SystemPackage
import SystemSupport
import Testing

/// When a file counts as complete, over minutes that do not pass.
@Suite struct CompletenessRuleTests {
    /// A candidate and its clock: what happens is played to the rule as intake would.
    private struct Play {
        let rule: CompletenessRule
        var candidate: CompletenessRule.Candidate?
        var now = Duration.zero
        var lastLook = Duration.zero
        var remarks: [CompletenessRule.Remark] = []

        init(settle: Duration = .seconds(2), once: Bool = false) {
            rule = CompletenessRule(settle: settle, once: once)
        }

        mutating func event(isClosed: Bool = false) { rule.observeChange(of: &candidate, at: now, isClosed: isClosed) }

        /// Lets time pass, looking when a look is due, until the candidate is done with.
        mutating func pass(
            _ time: Duration, bytes: Int64, _ lease: CompletenessRule.Lease, _ contents: CompletenessRule.Contents
        ) -> CompletenessRule.Outcome {
            let end = now + time
            let identity = FileIdentity(device: 1, inode: 2, byteCount: bytes, modified: bytes)
            while var one = candidate, one.dueAt <= end {
                now = max(now, one.dueAt)
                lastLook = now
                let (outcome, remark) = rule.judge(&one, .present(identity, lease, contents), at: now)
                if let remark { remarks.append(remark) }
                candidate = outcome == .wait ? one : nil
                if outcome != .wait { return outcome }
            }
            now = end
            return .wait
        }
    }

    private static func taken(_ bytes: Int64) -> CompletenessRule.Outcome {
        .take(FileIdentity(device: 1, inode: 2, byteCount: bytes, modified: bytes))
    }

    private static let half = CompletenessRule.Contents.short(.init(arrived: 50, expected: 100))

    @Test func whatIsKnownToBeWholeIsTakenWhenItIsClosed() {
        var play = Play()
        play.event(isClosed: true)
        // The kernel counts the writer for a moment longer.
        #expect(play.pass(.milliseconds(30), bytes: 100, .writer, .whole) == .wait)
        #expect(play.pass(.milliseconds(70), bytes: 100, .free, .whole) == Self.taken(100))
        #expect(play.now < .milliseconds(100))
    }

    /// Somebody had it open a moment ago, who may have been writing all the time: the quiet begins when that is over.
    @Test func theQuietBeginsWhenTheWriterHasGone() {
        var play = Play()
        play.event()
        // Looks that find a writer come after the first quiet time.
        #expect(play.pass(.milliseconds(2_100), bytes: 100, .writer, .open) == .wait)
        let seen = play.lastLook
        #expect(seen >= .seconds(2))
        #expect(play.pass(.seconds(60), bytes: 100, .free, .open) == Self.taken(100))
        #expect(play.now - seen >= .seconds(2))
    }

    /// Its rights were mended, which is an event: the time before was no pause of whoever wrote it.
    @Test func whatCouldNotBeReadForLongIsTakenSoonOnceItCan() throws {
        var play = Play()
        play.event()
        for _ in 0..<5 {
            var one = try #require(play.candidate)
            play.now = one.dueAt
            _ = play.rule.judge(&one, .unreadable(.permissionDenied), at: play.now)
            play.candidate = one
        }
        play.now += .seconds(20)
        let mended = play.now
        #expect(mended > .seconds(120))
        play.event()
        #expect(play.pass(.seconds(29), bytes: 100, .unknown, .open) == .wait)
        #expect(play.pass(.seconds(3), bytes: 100, .unknown, .open) == Self.taken(100))
        #expect(play.now - mended < .seconds(33))
    }

    @Test func whatDoesNotDeclareItsLengthSettles() {
        var play = Play()
        play.event(isClosed: true)
        #expect(play.pass(.milliseconds(1900), bytes: 44, .free, .open) == .wait)
        // Opened again, and written on.
        play.event()
        #expect(play.pass(.milliseconds(1900), bytes: 100, .free, .open) == .wait)
        #expect(play.pass(.milliseconds(100), bytes: 100, .free, .open) == Self.taken(100))
    }

    @Test func aScanDoesNotKnowThatItWasClosed() {
        var play = Play()
        play.event()
        #expect(play.pass(.milliseconds(1999), bytes: 100, .free, .whole) == .wait)
        #expect(play.pass(.milliseconds(1), bytes: 100, .free, .whole) == Self.taken(100))
    }

    /// A copy over a share that stalls for 14 s, where nobody can tell whether it is still written.
    @Test(arguments: [Self.half, .open]) func aStalledCopyIsNotTakenShort(_ contents: CompletenessRule.Contents) {
        var play = Play()
        play.event()
        #expect(play.pass(.seconds(14), bytes: 50, .unknown, contents) == .wait)
        play.event(isClosed: true)
        let end = contents == .open ? CompletenessRule.Contents.open : .whole
        // 10 s with a length that agrees; three times the pause without.
        let quiet: Duration = contents == .open ? .seconds(42) : .seconds(10)
        #expect(play.pass(quiet - .milliseconds(1), bytes: 100, .unknown, end) == .wait)
        #expect(play.pass(.milliseconds(1), bytes: 100, .unknown, end) == Self.taken(100))
    }

    @Test func withoutLeaseAndLengthItWaitsAtLeastHalfAMinute() {
        var play = Play()
        play.event()
        #expect(play.pass(.seconds(29), bytes: 50, .unknown, .open) == .wait)
        #expect(play.pass(.seconds(1), bytes: 50, .unknown, .open) == Self.taken(50))
        // However long the pauses, it ends.
        var slow = Play()
        slow.event()
        for bytes: Int64 in 1...5 {
            slow.now += .seconds(800)
            slow.event()
            #expect(slow.pass(.seconds(0), bytes: bytes, .unknown, .open) == .wait)
        }
        #expect(slow.pass(.seconds(899), bytes: 5, .unknown, .open) == .wait)
        #expect(slow.pass(.seconds(1), bytes: 5, .unknown, .open) == Self.taken(5))
    }

    @Test func growthThatGaveNoEventIsSeen() {
        var play = Play()
        play.event()
        #expect(play.pass(.seconds(29), bytes: 50, .unknown, .open) == .wait)
        // The look at 30 s finds it longer: 90 s more.
        #expect(play.pass(.seconds(1 + 89), bytes: 60, .unknown, .open) == .wait)
        #expect(play.pass(.seconds(1), bytes: 60, .unknown, .open) == Self.taken(60))
    }

    @Test func whatIsShortIsNeverTakenAndAPersonHearsOfItOnce() {
        var play = Play()
        play.event(isClosed: true)
        #expect(play.pass(.seconds(299), bytes: 50, .free, Self.half) == .wait)
        let shortfall = CompletenessRule.Shortfall(arrived: 50, expected: 100)
        #expect(play.remarks == [.short(shortfall)])
        #expect(play.pass(.seconds(86_400), bytes: 50, .free, Self.half) == .wait)
        #expect(play.remarks == [.short(shortfall), .note(shortfall)])
        #expect(play.candidate?.isNoted == true)
        // The rest comes after all.
        play.event(isClosed: true)
        #expect(play.pass(.seconds(1), bytes: 100, .free, .whole) == Self.taken(100))
    }

    @Test func aHeaderWithoutSoundWaitsLikeAnEmptyFile() {
        var play = Play()
        play.event(isClosed: true)
        #expect(play.pass(.seconds(59), bytes: 44, .free, .headerOnly) == .wait)
        #expect(play.pass(.seconds(1), bytes: 44, .free, .headerOnly) == Self.taken(44))
    }

    @Test func whatCannotBeReadIsToldToAPersonAtTheThirdLook() {
        let rule = CompletenessRule(settle: .seconds(2), once: false)
        var candidate: CompletenessRule.Candidate?
        rule.observeChange(of: &candidate, at: .zero, isClosed: true)
        var remarks: [CompletenessRule.Remark?] = []
        for look in 1...5 {
            guard var one = candidate else { break }
            remarks.append(rule.judge(&one, .unreadable(.permissionDenied), at: .seconds(30 * look)).1)
            candidate = one
        }
        #expect(remarks == [.unreadable(.permissionDenied), nil, .noteUnreadable, nil, nil])
        #expect(candidate?.isNoted == true)
    }

    @Test func anEmptyFileWaitsForItsContents() {
        var play = Play()
        play.event(isClosed: true)
        #expect(play.pass(.seconds(59), bytes: 0, .free, .open) == .wait)
        #expect(play.pass(.seconds(1), bytes: 0, .free, .open) == Self.taken(0))
        var once = Play(once: true)
        once.event()
        #expect(once.pass(.seconds(2), bytes: 0, .free, .open) == Self.taken(0))
    }

    @Test func whatADeadClientHoldsOpenIsTakenOnlyIfItIsWhole() {
        for (contents, outcome) in [
            (CompletenessRule.Contents.whole, Self.taken(100)), (.open, .wait), (Self.half, .wait),
        ] {
            var play = Play()
            play.event()
            #expect(play.pass(.seconds(890), bytes: 100, .writer, contents) == .wait)
            #expect(play.pass(.seconds(20), bytes: 100, .writer, contents) == outcome)
            #expect(play.remarks == (outcome == .wait ? [.stillOpen] : []))
        }
    }

    @Test func aSingleRunGivesUpWhatIsNotComplete() {
        var short = Play(once: true)
        short.event()
        #expect(short.pass(.seconds(2), bytes: 50, .free, Self.half) == .giveUp)
        #expect(short.remarks == [.note(.init(arrived: 50, expected: 100))])
        var open = Play(once: true)
        open.event()
        #expect(open.pass(.seconds(70), bytes: 50, .writer, .open) == .giveUp)
        #expect(open.remarks == [.stillOpen])
        #expect(open.now < .seconds(66))
    }
}
