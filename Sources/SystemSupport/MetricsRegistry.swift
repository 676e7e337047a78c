package import CoreMetrics
import Synchronization

/// One metric with all its labels' values: what people are told of it, and its type.
package struct MetricFamily: Sendable {
    package enum Kind: Sendable, Hashable {
        case counter, gauge
        /// Upper bounds of its buckets, rising; the last one, of everything, is added.
        case histogram([Double])

        fileprivate var word: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    package let name: String
    package let kind: Kind
    package let help: String

    package init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }
}

/// The back end of swift-metrics for this process: keeps what is counted and gives it in Prometheus' text format, version
/// 0.0.4. Timers are histograms of seconds. What is no known family is counted nowhere.
package final class MetricsRegistry: MetricsFactory {
    private struct Key: Hashable {
        let name: String
        let labels: String
    }

    /// Series are dropped beyond: labels are few by design.
    private static let maximumSeries = 10_000

    private let families: [MetricFamily]
    private let kinds: [String: MetricFamily.Kind]
    private let series = Mutex<[Key: MetricSeries]>([:])

    /// - Parameter families: in the order in which they are told.
    package init(_ families: [MetricFamily]) {
        self.families = families
        kinds = Dictionary(families.map { ($0.name, $0.kind) }, uniquingKeysWith: { first, _ in first })
    }

    private func one(_ label: String, _ dimensions: [(String, String)], _ kind: (MetricFamily.Kind) -> Bool)
        -> MetricSeries
    {
        guard let known = kinds[label], kind(known) else { return MetricSeries(label, "", []) }
        let labels = dimensions.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
        let key = Key(name: label, labels: labels)
        let bounds: [Double] = if case .histogram(let bounds) = known { bounds } else { [] }
        return series.withLock { series in
            if let found = series[key] { return found }
            let made = MetricSeries(label, labels, bounds)
            if series.count < Self.maximumSeries { series[key] = made }
            return made
        }
    }

    private func drop(_ handler: AnyObject) {
        guard let one = handler as? MetricSeries else { return }
        series.withLock { _ = $0.removeValue(forKey: Key(name: one.name, labels: one.labels)) }
    }

    /// Everything, family by family; those without a series are left out.
    package var text: String {
        let all = Dictionary(grouping: series.withLock { Array($0.values) }, by: \.name)
        return families.reduce(into: "") { out, family in
            guard let members = all[family.name], !members.isEmpty else { return }
            out += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.kind.word)\n"
            for one in members.sorted(by: { $0.labels < $1.labels }) { out += one.text }
        }
    }

    /// As the format wants it in a label's value.
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    // MARK: MetricsFactory

    private static func isCounter(_ kind: MetricFamily.Kind) -> Bool { kind == .counter }
    private static func isGauge(_ kind: MetricFamily.Kind) -> Bool { kind == .gauge }
    private static func isHistogram(_ kind: MetricFamily.Kind) -> Bool {
        if case .histogram = kind { true } else { false }
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        one(label, dimensions, Self.isCounter)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        one(label, dimensions, Self.isCounter)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        one(label, dimensions, Self.isGauge)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        one(label, dimensions, aggregate ? Self.isHistogram : Self.isGauge)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        one(label, dimensions, Self.isHistogram)
    }

    package func destroyCounter(_ handler: any CounterHandler) { drop(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { drop(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { drop(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { drop(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { drop(handler) }
}

/// One series of a family.
private final class MetricSeries: Sendable {
    private struct State {
        /// Of a counter or a gauge; of a histogram the sum.
        var value = 0.0
        var count: Int64 = 0
        /// How many were at or below each bound.
        var buckets: [Int64]
    }

    let name: String
    let labels: String
    private let bounds: [Double]
    private let state: Mutex<State>

    init(_ name: String, _ labels: String, _ bounds: [Double]) {
        self.name = name
        self.labels = labels
        self.bounds = bounds
        state = Mutex(State(buckets: bounds.map { _ in 0 }))
    }

    func add(_ amount: Double) { state.withLock { $0.value += amount } }
    func replace(_ value: Double) { state.withLock { $0.value = value } }

    func observe(_ value: Double) {
        state.withLock { state in
            state.value += value
            state.count += 1
            for (index, bound) in bounds.enumerated() where value <= bound { state.buckets[index] += 1 }
        }
    }

    var text: String {
        let (value, count, buckets) = state.withLock { ($0.value, $0.count, $0.buckets) }
        guard !bounds.isEmpty else { return line("", "", Self.number(value)) }
        var out = ""
        for (bound, count) in zip(bounds, buckets) {
            out += line("_bucket", "le=\"\(Self.number(bound))\"", "\(count)")
        }
        return out + line("_bucket", "le=\"+Inf\"", "\(count)") + line("_sum", "", Self.number(value))
            + line("_count", "", "\(count)")
    }

    private func line(_ suffix: String, _ label: String, _ value: String) -> String {
        let all = [labels, label].filter { !$0.isEmpty }.joined(separator: ",")
        return "\(name)\(suffix)\(all.isEmpty ? "" : "{\(all)}") \(value)\n"
    }

    /// Whole numbers without a fraction, as far as a Double has them.
    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }
}

extension MetricSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    func increment(by amount: Int64) { add(Double(amount)) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
    func reset() { replace(0) }
    func set(_ value: Int64) { replace(Double(value)) }
    func set(_ value: Double) { replace(value) }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { if bounds.isEmpty { replace(value) } else { observe(value) } }
    func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e9) }
}
