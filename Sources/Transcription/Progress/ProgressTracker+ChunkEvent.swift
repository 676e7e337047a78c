extension ProgressTracker {
    /// Follows what the orchestrator tells.
    package func observe(_ event: ChunkEvent) {
        switch event {
        case .planned(let chunks, let samples): planned(samples: samples, chunks: chunks)
        case .cut(let index, let owned, _): found(chunk: index, samples: owned.count)
        case .sent(let index, _, _): started(chunk: index)
        case .retrying(let index, _, let pause, _, let cause, let isBusy):
            interrupted(chunk: index, pause: pause, cause: cause, isBusy: isBusy)
        case .finished(let index, let fromCache, _): ended(chunk: index, as: fromCache ? .cached : .transcribed)
        case .failed(let index, _): ended(chunk: index, as: .failed)
        case .decoded: foundAll()
        case .answeredFromCache(let samples, let chunks):
            planned(samples: samples, chunks: chunks)
            found(chunk: 0, samples: samples)
            ended(chunk: 0, as: .cached)
            foundAll()
        }
    }
}
