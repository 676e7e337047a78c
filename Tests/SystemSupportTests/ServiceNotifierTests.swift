import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What the service manager is told.
@Suite struct ServiceNotifierTests {
    @Test func speaksToAPathAndToAnAbstractName() async throws {
        try await withTemporaryDirectory { folder in
            for name in [folder.appending("notify").string, "@parlograph-test-\(getpid())"] {
                let socket = try NotifySocket(name)
                let notifier = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": name]))
                await notifier.ready()
                #expect(socket.next() == ["READY=1"])
                await notifier.status("2 running\nREADY=0")
                #expect(socket.next() == ["STATUS=2 running\\x0aREADY=0"])
                await notifier.status(String(repeating: "ü", count: 1000))
                #expect(socket.next() == ["STATUS=" + String(repeating: "ü", count: 250)])
                await notifier.stopping(within: .seconds(20))
                #expect(socket.next() == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=35000000"])
                await notifier.alive()
                #expect(socket.next() == ["WATCHDOG=1"])
            }
        }
    }

    @Test func aReloadBeforeTheServiceIsReadyDoesNotMakeItReady() async throws {
        try await withTemporaryDirectory { folder in
            let socket = try NotifySocket(folder.appending("notify").string)
            let notifier = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": socket.name]))
            await notifier.reloading()
            await notifier.reloaded()
            #expect(socket.next() == nil)
            await notifier.ready()
            await notifier.reloading()
            await notifier.reloaded()
            #expect(socket.next() == ["READY=1"])
            let reloading = try #require(socket.next())
            #expect(reloading.first == "RELOADING=1")
            let time = try #require(reloading.last.flatMap { Int64($0.dropFirst("MONOTONIC_USEC=".count)) })
            #expect(time > 0)
            #expect(socket.next() == ["READY=1"])
        }
    }

    @Test func whatKeepsTheStartWaitingIsSaidUntilTheServiceIsReady() async throws {
        try await withTemporaryDirectory { folder in
            let socket = try NotifySocket(folder.appending("notify").string)
            let notifier = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": socket.name]))
            await notifier.starting("waiting for a disk", within: .seconds(90))
            #expect(socket.next() == ["EXTEND_TIMEOUT_USEC=90000000", "STATUS=waiting for a disk"])
            await notifier.ready()
            await notifier.starting("waiting for a disk", within: .seconds(90))
            #expect(socket.next() == ["READY=1"])
            #expect(socket.next() == nil)
        }
    }

    @Test func onlyTheProcessThatIsMeantFeedsTheWatchdog() throws {
        func timeout(_ variables: [String: String]) -> Duration? {
            ServiceNotifier(
                environment: ["NOTIFY_SOCKET": "/run/notify"].merging(variables) { $1 }, processID: 42)?
                .watchdogTimeout
        }
        #expect(timeout(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
        #expect(timeout(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"]) == .seconds(30))
        #expect(timeout(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"]) == nil)
        #expect(timeout(["WATCHDOG_USEC": "0"]) == nil)
        #expect(timeout(["WATCHDOG_USEC": "soon"]) == nil)
        #expect(timeout([:]) == nil)
    }

    @Test(arguments: [nil, "", "@", "/", "notify", "vsock:2:1234", "/" + String(repeating: "x", count: 107)])
    func withoutASocketThereIsNobodyToTell(name: String?) {
        let environment = name.map { ["NOTIFY_SOCKET": $0] } ?? [:]
        #expect(ServiceNotifier(environment: environment) == nil)
    }

    @Test func aManagerThatWentAwayIsNoFault() async throws {
        try await withTemporaryDirectory { folder in
            let name = folder.appending("nobody").string
            let notifier = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": name]))
            await notifier.ready()
            let socket = try NotifySocket(name)
            await notifier.alive()
            #expect(socket.next() == ["WATCHDOG=1"])
        }
    }
}
