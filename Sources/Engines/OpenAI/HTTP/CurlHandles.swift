import CCurl

/// The one owner of an easy handle: one transfer.
struct CurlEasy: ~Copyable {
    let handle: UnsafeMutableRawPointer

    /// Nil when memory is short.
    init?() {
        _ = CurlLibrary.isReady
        guard let handle = curl_easy_init() else { return nil }
        self.handle = handle
    }

    deinit { curl_easy_cleanup(handle) }

    func set(_ option: CURLoption, _ value: Int) { _ = ccurl_set_long(handle, option, value) }
    func set(_ option: CURLoption, _ value: Bool) { _ = ccurl_set_long(handle, option, value ? 1 : 0) }
    func set(_ option: CURLoption, offset value: Int) { _ = ccurl_set_offset(handle, option, curl_off_t(value)) }
    func set(_ option: CURLoption, _ value: String) { _ = ccurl_set_string(handle, option, value) }
    func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) {
        _ = ccurl_set_pointer(handle, option, value)
    }

    func long(_ info: CURLINFO) -> Int {
        var value = 0
        _ = ccurl_get_long(handle, info, &value)
        return value
    }
}

/// The one owner of a multi handle: a set of transfers with its pool of connections.
struct CurlMulti: ~Copyable, @unchecked Sendable {
    // @unchecked: used by the loop's thread only, but for curl_multi_wakeup, which libcurl allows from any thread.
    let handle: UnsafeMutableRawPointer

    /// Nil when memory or descriptors are short.
    init?() {
        _ = CurlLibrary.isReady
        guard let handle = curl_multi_init() else { return nil }
        self.handle = handle
    }

    deinit { curl_multi_cleanup(handle) }
}

/// The one owner of a list of header lines.
struct CurlList: ~Copyable {
    private(set) var head: UnsafeMutablePointer<curl_slist>?

    init() { head = nil }

    mutating func append(_ line: String) {
        if let longer = curl_slist_append(head, line) { head = longer }
    }

    deinit { curl_slist_free_all(head) }
}

/// libcurl's process-wide state.
enum CurlLibrary {
    /// Initialised once, before the first handle; never torn down.
    static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
}
