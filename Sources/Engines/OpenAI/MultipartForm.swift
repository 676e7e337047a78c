/// A multipart/form-data body in pieces, so that the audio is not copied into it.
struct MultipartForm {
    let contentType: String
    private let boundary: String
    private var head: [UInt8] = []

    /// - Parameter boundary: occurs nowhere in the fields; a random one in practice.
    init(boundary: String = "parlograph-\(UInt64.random(in: .min ... .max))-\(UInt64.random(in: .min ... .max))") {
        self.boundary = boundary
        contentType = "multipart/form-data; boundary=\(boundary)"
    }

    mutating func add(_ name: String, _ value: String) {
        head += Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
    }

    /// The body, its last part the file: servers that read in order know the other fields by then.
    func pieces(file bytes: [UInt8], named name: String, type: String) -> [[UInt8]] {
        let before =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\n"
            + "Content-Type: \(type)\r\n\r\n"
        return [head + Array(before.utf8), bytes, Array("\r\n--\(boundary)--\r\n".utf8)]
    }
}
