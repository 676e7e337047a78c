import CCurl
import Transcription

extension ResponseClassifier {
    /// A transfer that broke off.
    package func classify(_ failure: HTTPFailure, to request: Request) -> Verdict {
        let detail = failure.detail
        func fail(
            _ words: String, _ remedy: TranscriptionError.Remedy, _ pressure: TranscriptionError.Pressure? = nil,
            code: TranscriptionError.Code = .requestFailed, advice: String = ""
        ) -> Verdict {
            Verdict(
                TranscriptionError(
                    code, sentence(request.host, words, advice), cause: failure, remedy: remedy, pressure: pressure))
        }
        switch failure.excess {
        case .body: return fail(failure.wordsForItsSize, .giveUpChunk)
        case .header: return fail("sent a header of more than \(CurlLoop.maximumHeaderBytes >> 10) KiB", .giveUpChunk)
        case nil: break
        }
        if failure.isProxyFault(request) {
            return fail(
                "cannot be reached through the proxy: \(detail)", .retry(after: nil), .strained,
                code: .engineUnavailable, advice: proxyAdvice(request))
        }
        switch CURLcode(rawValue: UInt32(bitPattern: failure.curlCode)) {
        // What libcurl takes for HTTP/0.9 has this code, too: the address is known to be http or https.
        case CURLE_UNSUPPORTED_PROTOCOL where failure.wasSent || failure.receivedByteCount > 0,
            CURLE_WEIRD_SERVER_REPLY:
            return fail(
                "did not answer in HTTP: \(detail)", .retry(after: nil), .strained,
                advice: request.isEncrypted
                    ? "Another service may listen there: check base_url of \(section)."
                    : "Another service may listen there, or it wants https: check base_url of \(section).")
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            return fail(
                "has an address that is none", .giveUpRecording, code: .engineUnavailable,
                advice: "Correct base_url of \(section).")
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT:
            return fail(
                "cannot be reached: \(detail)", .retry(after: nil), .strained, code: .engineUnavailable,
                advice: "Check base_url of \(section) and the network.")
        case CURLE_OPERATION_TIMEDOUT:
            guard failure.wasSent, let timeout = request.timeout else {
                return fail("did not answer in time: \(detail)", .retry(after: nil), .strained)
            }
            let tenths = timeout.milliseconds / 100
            return fail(
                "has not answered within \(tenths / 10).\(tenths % 10) s", .retry(after: nil), .strained,
                advice: "See whether the server at base_url of \(section) hangs or is overloaded.")
        case CURLE_PEER_FAILED_VERIFICATION where failure.isOfOtherName:
            return fail(
                "shows a certificate that is for another name: \(detail)", .giveUpRecording, code: .engineUnavailable,
                advice: "Use the name that the certificate is for in base_url of \(section).")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER:
            return fail(
                "shows a certificate that is not trusted: \(detail)", .giveUpRecording, code: .engineUnavailable,
                advice: "If it is signed by an authority of your own, name that in ca_file of \(section).")
        case CURLE_ABORTED_BY_CALLBACK:
            return fail("was not asked: the program is stopping", .giveUpRecording)
        case CURLE_PARTIAL_FILE:
            return fail("broke off its answer: \(detail)", .retry(after: nil), .strained)
        case CURLE_BAD_CONTENT_ENCODING:
            return fail("sent an answer that cannot be unpacked: \(detail)", .retry(after: nil))
        default:
            return fail("broke the connection: \(detail)", .retry(after: nil), .strained)
        }
    }

    /// A successful answer without a transcript in it.
    package func classify(_ fault: ResponseFault, to request: Request) -> Verdict {
        switch fault {
        case .notUnderstood(let reason):
            let words = "sent an answer that \(reason)"
            return Verdict(
                TranscriptionError(.requestFailed, sentence(request.host, words), remedy: .retry(after: nil)))
        case .message(let message):
            return Verdict(
                TranscriptionError(
                    .requestFailed, sentence(request.host, "answered with an error: \(message.text)"),
                    remedy: .retry(after: nil)),
                request.hasOtherLanguageCodes && Self.isAboutLanguage(message) ? .otherLanguageCode : nil)
        }
    }
}
