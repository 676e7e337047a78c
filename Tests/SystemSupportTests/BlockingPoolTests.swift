import Synchronization
import SystemSupport
import Testing

/// Counts how many are inside at the same time.
private final class Gauge: Sendable {
    private let state = Mutex((inside: 0, most: 0, total: 0))
    func enter() {
        state.withLock {
            $0.inside += 1
            $0.total += 1
            $0.most = max($0.most, $0.inside)
        }
    }
    func leave() { state.withLock { $0.inside -= 1 } }
    var most: Int { state.withLock { $0.most } }
    var total: Int { state.withLock { $0.total } }
}

private struct Failure: Error, Equatable { var number: Int }

@Suite(.timeLimit(.minutes(20))) struct BlockingPoolTests {
    /// All threads of the pool meet inside: as many as the limit run at once, and never more.
    @Test(arguments: [1, 2, 5])
    func runsAsManyAsItsLimitAtOnce(limit: Int) async {
        let pool = BlockingPool(name: "test", limit: limit)
        let gauge = Gauge()
        let (arrived, go) = (ThreadSignal(), ThreadSignal())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<limit * 4 {
                group.addTask {
                    await pool.run { () -> Void in
                        gauge.enter()
                        arrived.signal()
                        go.wait()
                        gauge.leave()
                    }
                }
            }
            group.addTask {
                let gate = BlockingPool(name: "gate", limit: 1)
                await gate.run { () -> Void in
                    for _ in 0..<limit { arrived.wait() }
                    for _ in 0..<limit * 4 { go.signal() }
                }
            }
        }
        #expect(gauge.most == limit)
        #expect(gauge.total == limit * 4)
    }

    @Test func manySmallTasksAllFinishWithTheirOwnResult() async {
        let pool = BlockingPool(name: "many", limit: 4)
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 0..<20_000 { group.addTask { await pool.run { number } } }
            return await group.reduce(0, +)
        }
        #expect(sum == 20_000 * 19_999 / 2)
    }

    @Test func errorsReachTheCaller() async {
        let pool = BlockingPool(name: "errors", limit: 1)
        await #expect(throws: Failure(number: 3)) { try await pool.run { throw Failure(number: 3) } }
        #expect(await pool.run { 4 } == 4, "a failure must not cost the thread")
    }
}
