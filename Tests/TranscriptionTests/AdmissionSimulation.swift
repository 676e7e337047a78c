import Transcription

/// Many requests to a server that is played, in played time: the rules of the controller at work for hours, in moments.
struct AdmissionSimulation {
    /// What the server makes of a request when it arrives.
    struct Answer {
        var latency: Duration
        var outcome: RequestOutcome = .success
    }

    /// A request as the server saw it.
    struct Seen {
        var arrived: Duration
        var recording: RecordingID
        var outcome: RequestOutcome
    }

    private enum Event {
        case answered(RequestPermit, chunk: Int, outcome: RequestOutcome)
        case waits(chunk: Int)
    }

    let settings: ConcurrencyController.Settings
    /// Recordings by their numbers of chunks; each sends all of them at once, as far as `alive` allows.
    var chunks: [Int] = []
    /// The audio of each.
    var cost: Int64 = 30 * SampleClock.rate
    /// Asked with the number of requests that are with the server already, and the time.
    var server: (_ inFlight: Int, _ now: Duration) -> Answer
    /// A recording whose chunk was rejected sends no more.
    private(set) var seen: [Seen] = []
    private(set) var maximumInFlight = 0
    private(set) var refusals = 0
    private(set) var end = Duration.zero
    private(set) var lastLimit = 0

    init(
        _ settings: ConcurrencyController.Settings, chunks: [Int],
        server: @escaping (_ inFlight: Int, _ now: Duration) -> Answer
    ) {
        self.settings = settings
        self.chunks = chunks
        self.server = server
    }

    mutating func run(seed: UInt64 = 1) {
        var random = SeededGenerator(seed: seed)
        var admission = Admission<Int>(settings)
        var events: [(at: Duration, event: Event)] = []
        let owners = chunks.enumerated().flatMap { Array(repeating: RecordingID(UInt64($0.offset)), count: $0.element) }
        var over: Set<RecordingID> = []
        var (now, id, attempts) = (Duration.zero, UInt64(0), [Int: Int]())
        // As `ChunkSlots` does: so many are alive, by turns.
        var next: [RecordingID: Int] = [:]
        for (at, owner) in owners.enumerated() where next[owner] == nil { next[owner] = at }
        var alive = 0
        func starts() -> [Int] {
            var out: [Int] = []
            while alive < settings.ceiling + 2,
                let owner = next.filter({
                    $0.value < owners.count && owners[$0.value] == $0.key && !over.contains($0.key)
                })
                .min(by: {
                    ($0.value - (owners.firstIndex(of: $0.key) ?? 0), $0.value)
                        < ($1.value - (owners.firstIndex(of: $1.key) ?? 0), $1.value)
                })
            {
                out.append(owner.value)
                next[owner.key] = owner.value + 1
                alive += 1
            }
            return out
        }
        for chunk in starts() { events.append((now, .waits(chunk: chunk))) }
        while !events.isEmpty || admission.waiting > 0 {
            var again: Duration?
            while true {
                let (granted, look) = admission.grant(now: now)
                again = look
                if granted.isEmpty { break }
                for (chunk, permit) in granted {
                    if over.contains(owners[chunk]) {
                        admission.finish(permit, .notSent, now: now)
                        alive -= 1
                        continue
                    }
                    let answer = server(admission.inFlight - 1, now)
                    maximumInFlight = max(maximumInFlight, admission.inFlight)
                    seen.append(Seen(arrived: now, recording: owners[chunk], outcome: answer.outcome))
                    events.append(
                        (now + answer.latency, .answered(permit, chunk: chunk, outcome: answer.outcome)))
                }
            }
            for chunk in starts() { events.append((now, .waits(chunk: chunk))) }
            guard let first = events.indices.min(by: { events[$0].at < events[$1].at }),
                again.map({ events[first].at <= $0 }) ?? true
            else {
                guard let again else { break }
                now = again
                continue
            }
            let (at, event) = events.remove(at: first)
            now = max(now, at)
            switch event {
            case .waits(let chunk):
                id += 1
                admission.add(chunk, id: id, of: owners[chunk], cost: cost)
            case .answered(let permit, let chunk, let outcome):
                admission.finish(permit, outcome, now: now)
                switch outcome {
                case .success, .other, .broken, .away, .cancelled, .notSent: alive -= 1
                case .rejected:
                    alive -= 1
                    over.insert(owners[chunk])
                case .pressure(let pressure, let after):
                    if pressure == .refused { refusals += 1 }
                    attempts[chunk, default: 0] += 1
                    let own = min(60, 5 * Double(1 << min(10, attempts[chunk, default: 1] - 1)))
                    let pause = after ?? .seconds(own * Double.random(in: 0..<1, using: &random))
                    events.append((now + pause, .waits(chunk: chunk)))
                }
            }
            end = now
        }
        lastLimit = admission.currentLimit
    }

    /// The most requests that arrived in any stretch of `length`.
    func most(in length: Duration) -> Int {
        var (most, first) = (0, 0)
        for at in seen.indices {
            while seen[at].arrived - seen[first].arrived >= length { first += 1 }
            most = max(most, at - first + 1)
        }
        return most
    }
}
