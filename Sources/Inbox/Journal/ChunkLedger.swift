import Glibc
import Synchronization
import SystemSupport
package import Transcription

/// The chunks of a recording in work, between the pipeline, which never waits for the journal, and the journal, which
/// takes the newest state of each that changed, now and then and in one transaction with those of other recordings.
///
/// Holds the chunks that are open or not written down yet.
package final class ChunkLedger: Sendable {
    /// What the journal does not have yet.
    struct News {
        let records: [ChunkRecord]
        /// For `wrote`.
        let revision: Int
    }

    private struct State {
        var chunks: [Int: (record: ChunkRecord, revision: Int)] = [:]
        var revision = 0
        var written = 0
    }

    /// Of a recording with more chunks only the first are written down: 55 hours in chunks of 20 s.
    private static let maximumChunks = 10_000

    private let state = Mutex(State())
    private let now: @Sendable () -> Int64

    /// - Parameter now: seconds since 1970; replaced in tests.
    package init(now: @escaping @Sendable () -> Int64 = { UnixTime.now() }) { self.now = now }

    /// Follows what the orchestrator tells.
    package func observe(_ event: ChunkEvent) {
        switch event {
        case .cut(let index, let owned, let hash):
            guard index < Self.maximumChunks else { return }
            let record = ChunkRecord(index: index, state: .waiting, range: owned, hash: hash, changedAt: now())
            state.withLock { state in
                state.revision += 1
                state.chunks[index] = (record, state.revision)
            }
        case .sent(let index, let attempt, let engine):
            change(index, to: .asked) { record in
                record.attempts = attempt
                record.engine = engine
            }
        case .retrying(let index, _, _, let error, _, _): change(index, to: .retrying) { $0.errorCode = error }
        case .finished(let index, let fromCache, let engine):
            change(index, to: .done) { record in
                (record.isFromCache, record.engine, record.errorCode) = (fromCache, engine, nil)
            }
        case .failed(let index, let error): change(index, to: .failed) { $0.errorCode = error }
        case .planned, .decoded, .answeredFromCache: break
        }
    }

    private func change(_ index: Int, to new: ChunkRecord.State, _ body: (inout ChunkRecord) -> Void) {
        let now = now()
        state.withLock { state in
            guard var record = state.chunks[index]?.record else { return }
            record.state = new
            record.changedAt = now
            body(&record)
            state.revision += 1
            state.chunks[index] = (record, state.revision)
        }
    }

    var hasNews: Bool { state.withLock { $0.revision > $0.written } }

    var news: News {
        state.withLock { state in
            let news = state.chunks.values.filter { $0.revision > state.written }
            return News(records: news.map(\.record), revision: state.revision)
        }
    }

    /// The journal has what was news at this revision: chunks that are over are let go.
    func wrote(through revision: Int) {
        state.withLock { state in
            state.written = max(state.written, revision)
            state.chunks = state.chunks.filter { $0.value.revision > state.written || $0.value.record.isOpen }
        }
    }
}

extension ChunkRecord {
    /// More may happen to it.
    fileprivate var isOpen: Bool { state != .done && state != .failed }
}
