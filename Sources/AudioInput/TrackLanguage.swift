/// A language in one of the ways in which files and people write it: `de`, `deu`, `ger`, `de-AT`. Equal where the language is,
/// whatever the region.
package struct TrackLanguage: Hashable {
    private let code: String

    /// - Parameter tag: of ISO 639-1 or 639-2, or a BCP 47 tag that begins with one.
    package init(_ tag: String) {
        let primary = tag.lowercased().prefix { $0 != "-" && $0 != "_" }
        code = Self.shortCodes[String(primary)] ?? String(primary)
    }

    /// ISO 639-1, then ISO 639-2, the terminological code first where there are two; then old and close ones.
    private static let table = """
        aa aar ab abk ae ave af afr ak aka am amh an arg ar ara as asm av ava ay aym az aze ba bak be bel bg bul bi bis \
        bm bam bn ben bo bod,tib br bre bs bos ca cat ce che ch cha co cos cr cre cs ces,cze cu chu cv chv cy cym,wel \
        da dan de deu,ger dv div dz dzo ee ewe el ell,gre en eng eo epo es spa et est eu eus,baq fa fas,per,prs ff ful \
        fi fin fj fij fo fao fr fra,fre fy fry ga gle gd gla gl glg gn grn gu guj gv glv ha hau he heb,iw hi hin ho hmo \
        hr hrv ht hat hu hun hy hye,arm hz her ia ina id ind,in ie ile ig ibo ii iii ik ipk io ido is isl,ice it ita iu iku \
        ja jpn jv jav,jw ka kat,geo kg kon ki kik kj kua kk kaz kl kal km khm kn kan ko kor kr kau ks kas ku kur kv kom \
        kw cor ky kir la lat lb ltz lg lug li lim ln lin lo lao lt lit lu lub lv lav mg mlg mh mah mi mri,mao mk mkd,mac \
        ml mal mn mon mr mar ms msa,may mt mlt my mya,bur na nau nd nde ne nep ng ndo nl nld,dut no nor,nb,nob,nn,nno \
        nr nbl nv nav ny nya oc oci oj oji om orm or ori os oss pa pan pi pli pl pol ps pus pt por qu que rm roh rn run \
        ro ron,rum,mo,mol ru rus rw kin sa san sc srd sd snd se sme sg sag si sin sk slk,slo sl slv sm smo sn sna so som \
        sq sqi,alb sr srp ss ssw st sot su sun sv swe sw swa ta tam te tel tg tgk th tha ti tir tk tuk tl tgl,fil tn tsn \
        to ton tr tur ts tso tt tat tw twi ty tah ug uig uk ukr ur urd uz uzb ve ven vi vie vo vol wa wln wo wol xh xho \
        yi yid,ji yo yor za zha zh zho,chi,cmn zu zul
        """

    private static let shortCodes: [String: String] = {
        let words = table.split(separator: " ").map(String.init)
        var codes: [String: String] = [:]
        for i in stride(from: 0, to: words.count - 1, by: 2) {
            for long in words[i + 1].split(separator: ",") { codes[String(long)] = words[i] }
        }
        return codes
    }()
}
