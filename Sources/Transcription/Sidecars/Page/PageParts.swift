import SystemSupport

/// What every page has: its style, its script, and the policy that allows these two and no others.
enum PageParts {
    /// `file:` since a page from a disk has no origin that 'self' could mean.
    static let policy = """
        default-src 'none'; style-src '\(hash(style))'; script-src '\(hash(script))'; media-src 'self' file:; \
        base-uri 'none'; form-action 'none'
        """

    /// As the Content Security Policy names what stands in a page itself.
    private static func hash(_ text: String) -> String {
        let digest = Array(text.utf8).withUnsafeBytes { SHA256.digest(of: $0) }
        return "sha256-\(base64(digest.bytes))"
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).map { start + $0 < bytes.count ? UInt32(bytes[start + $0]) : 0 }
            let value = group[0] << 16 | group[1] << 8 | group[2]
            let count = min(3, bytes.count - start) + 1
            for at in 0..<4 { out.append(at < count ? letters[Int(value >> UInt32(18 - 6 * at)) & 63] : 0x3D) }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// All colours of text have a contrast of 4.5 to 1 with what is behind them, at least.
    static let style = """
        :root{color-scheme:light dark;--back:#fff;--text:#1b1d21;--quiet:#565b66;--line:#d5d8de;--link:#0b57a4}
        .s0{--speaker:#0b57a4}.s1{--speaker:#9a3412}.s2{--speaker:#166534}.s3{--speaker:#6b21a8}
        .s4{--speaker:#9d174d}.s5{--speaker:#155e75}.s6{--speaker:#7a4a06}.s7{--speaker:#3f3f46}
        @media (prefers-color-scheme:dark){
        :root{--back:#16181c;--text:#e6e7ea;--quiet:#a5abb8;--line:#3a3e47;--link:#8ec5ff}
        .s0{--speaker:#8ec5ff}.s1{--speaker:#ffb38a}.s2{--speaker:#86e0a3}.s3{--speaker:#d8b4fe}
        .s4{--speaker:#f9a8d4}.s5{--speaker:#7dd3e8}.s6{--speaker:#f5d06b}.s7{--speaker:#d4d4d8}}
        *{box-sizing:border-box}
        body{margin:0 auto;padding:1rem;max-width:76rem;background:var(--back);color:var(--text);
        font:1.0625rem/1.6 system-ui,sans-serif}
        h1{font-size:1.35rem;line-height:1.3;margin:0 0 .75rem;overflow-wrap:anywhere}
        audio{width:100%}
        main{margin-top:1rem;max-width:46rem;overflow-wrap:anywhere}
        p{margin:0 0 1rem}
        main p{padding-inline-start:.75rem;border-inline-start:.2rem solid var(--speaker,var(--line));
        content-visibility:auto;contain-intrinsic-size:auto 6rem}
        b{color:var(--speaker,inherit)}
        .t{color:var(--quiet);font-size:.85rem;font-variant-numeric:tabular-nums;direction:ltr;unicode-bidi:isolate;
        margin-inline-end:.25rem}
        a.t{color:var(--link)}
        span[data-s]{cursor:pointer;border-radius:.2rem}
        span[data-s]:hover{text-decoration:underline}
        .now{background:#ffdf80;color:#000}
        .gap,#away{color:var(--quiet);font-style:italic}
        #uncertain{width:1.15rem;height:1.15rem;margin:0 .5rem 0 0;vertical-align:middle}
        header:has(#uncertain:checked)~main .u{text-decoration:underline wavy #b45309}
        :focus-visible{outline:.15rem solid var(--link);outline-offset:.1rem}
        @media (min-width:62rem){
        body{display:grid;grid-template-columns:minmax(18rem,24rem) 1fr;column-gap:2.5rem}
        header{position:sticky;top:1rem;align-self:start}
        main{margin-top:0}}
        @media print{
        :root{--back:#fff;--text:#000;--quiet:#444;--line:#999;--link:#444}
        .s0,.s1,.s2,.s3,.s4,.s5,.s6,.s7{--speaker:#000}
        body{display:block;max-width:none;padding:0;font-size:11pt}
        main{max-width:none}main p{content-visibility:visible;break-inside:avoid}header{position:static}
        audio,#away,label{display:none}a{text-decoration:none}.now{background:none}}

        """

    /// Everything but jumping to a word and showing the one that is heard works without it.
    static let script = """
        "use strict";
        {
        const player = document.getElementById("player");
        const away = document.getElementById("away");
        const words = Array.from(document.querySelectorAll("span[data-s]"));
        const starts = words.map(word => Number(word.dataset.s));
        let shown = null;
        player.addEventListener("timeupdate", () => {
          let low = 0, high = starts.length;
          while (low < high) {
            const middle = (low + high) >> 1;
            if (starts[middle] <= player.currentTime) low = middle + 1; else high = middle;
          }
          const word = low > 0 ? words[low - 1] : null;
          if (word === shown) return;
          if (shown) shown.classList.remove("now");
          if (word) word.classList.add("now");
          shown = word;
        });
        const lost = () => { player.hidden = true; away.hidden = false; };
        player.addEventListener("error", lost);
        if (player.error) lost();
        document.addEventListener("click", event => {
          const place = event.target.closest("[data-s]");
          if (!place || player.hidden || event.ctrlKey || event.metaKey || event.shiftKey) return;
          if (place.localName !== "a" && !getSelection().isCollapsed) return;
          event.preventDefault();
          player.currentTime = Number(place.dataset.s);
          player.play().catch(() => {});
        });
        }

        """
}
