import Glibc
import SystemSupport
import Testing

/// Days in the time zone of the machine, each in a process of its own: the zone is that of the whole process.
@Suite struct LocalTimeTests {
    @Test func daysAreAsLongAsTheClockMakesThem() async {
        await #expect(processExitsWith: .success) {
            // Central Europe. 29 March 2026 and 25 October 2026, noon by UTC.
            setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1)
            tzset()
            for (noon, hours) in [(1_774_785_600, 23), (1_792_929_600, 25), (1_780_315_200, 24)] as [(Int64, Int64)] {
                let start = LocalTime.startOfDay(noon)
                #expect(LocalTime.moment(start).hasSuffix("00:00:00"))
                #expect(LocalTime.startOfNextDay(noon) == start + hours * 3600)
                #expect(LocalTime.startOfNextDay(start) == start + hours * 3600)
                #expect(LocalTime.startOfDay(start + hours * 3600 - 1) == start)
            }
        }
    }

    /// In Chile the clock goes from midnight to one, and from midnight back to eleven.
    @Test func aDayMayBeginAtOneAndHaveElevenTwice() async {
        await #expect(processExitsWith: .success) {
            setenv("TZ", "<-04>4<-03>,M9.1.6/24,M4.1.6/24", 1)
            tzset()
            let spring = LocalTime.startOfDay(1_788_710_400)
            #expect(LocalTime.moment(spring) == "2026-09-06 01:00:00")
            #expect(LocalTime.startOfNextDay(spring) == spring + 23 * 3600)
            #expect(LocalTime.startOfNextDay(spring - 1) == spring)
            let autumn = LocalTime.startOfDay(1_775_318_400)
            #expect(LocalTime.moment(autumn) == "2026-04-04 00:00:00")
            #expect(LocalTime.startOfNextDay(autumn) == autumn + 25 * 3600)
        }
    }
}
