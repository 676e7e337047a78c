/// What an error says about its engine as a whole, for who decides when the engine is tried again.
package enum EngineFault: String, Sendable, Hashable, Codable {
    /// It may be back by itself: it is not reachable, or out of order.
    case away
    /// It stays so until somebody puts it right: a wrong key, model or address, no quota, a program or a model that is
    /// not installed.
    case refused
}

extension TranscriptionError {
    /// Nil: it is about a recording or a request, whatever engine it was sent to.
    package var engineFault: EngineFault? {
        guard code == .engineUnavailable else { return nil }
        return switch remedy {
        case .retry: .away
        case .giveUpRecording: .refused
        case .split, .giveUpChunk: nil
        }
    }
}
