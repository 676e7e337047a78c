/// What languages are called: by ISO 639, in English and in themselves.
enum LanguageTable {
    /// What each name means, names in lower case and without spaces.
    static let tags: [String: String] = {
        var tags: [String: String] = [:]
        for line in languages.split(separator: "\n") {
            let names = line.split(separator: " ").map(String.init)
            for name in names { tags[name] = names[0] }
        }
        for code in others.split(whereSeparator: \.isWhitespace).map(String.init) { tags[code] = code }
        return tags
    }()

    /// A language a line: the tag that stands for it, then all other names. Of ISO 639-1 all of it with its codes of three
    /// letters; codes that were withdrawn, and those of countries where they are no other language's.
    private static let languages = """
        aa aar afar
        ab abk abkhazian abkhaz
        ae ave avestan
        af afr afrikaans
        ak aka akan
        am amh amharic አማርኛ
        an arg aragonese aragonés
        ar ara arabic العربية عربي
        as asm assamese অসমীয়া
        av ava avaric
        ay aym aymara
        az aze azj azerbaijani azeri azərbaycanca
        ba bak bashkir
        be bel belarusian беларуская
        bg bul bulgarian български
        bi bis bislama
        bm bam bambara
        bn ben bengali bangla বাংলা
        bo bod tib tibetan བོད་སྐད་
        br bre breton brezhoneg
        bs bos bosnian bosanski
        ca cat catalan valencian català catala valencià
        ce che chechen
        ch cha chamorro
        co cos corsican corsu
        cr cre cree
        cs ces cze czech čeština cestina česky cesky cz
        cu chu churchslavic
        cv chv chuvash
        cy cym wel welsh cymraeg
        da dan danish dansk dk
        de deu ger german deutsch
        dv div dhivehi maldivian
        dz dzo dzongkha
        ee ewe
        el ell gre greek ελληνικά ελληνικα gr
        en eng english
        eo epo esperanto
        es spa spanish castilian español espanol castellano
        et est ekk estonian eesti
        eu eus baq basque euskara
        fa fas per pes persian farsi فارسی
        ff ful fulah
        fi fin finnish suomi
        fj fij fijian
        fo fao faroese føroyskt
        fr fra fre french français francais
        fy fry westernfrisian frisian frysk
        ga gle irish gaeilge
        gd gla scottishgaelic gàidhlig gaidhlig
        gl glg galician galego
        gn grn guarani
        gu guj gujarati ગુજરાતી
        gv glv manx
        ha hau hausa
        he heb hebrew iw עברית
        hi hin hindi हिन्दी हिंदी
        ho hmo hirimotu
        hr hrv scr croatian hrvatski
        ht hat haitiancreole haitian kreyòl
        hu hun hungarian magyar
        hy hye arm armenian հայերեն
        hz her herero
        ia ina interlingua
        id ind indonesian bahasaindonesia in
        ie ile interlingue
        ig ibo igbo
        ii iii sichuanyi
        ik ipk inupiaq
        io ido
        is isl ice icelandic íslenska islenska
        it ita italian italiano
        iu iku inuktitut
        ja jpn japanese jp 日本語 にほんご
        jv jav javanese jw
        ka kat geo georgian ქართული
        kg kon kongo
        ki kik kikuyu
        kj kua kuanyama
        kk kaz kazakh қазақша
        kl kal greenlandic kalaallisut
        km khm khmer cambodian ខ្មែរ
        kn kan kannada ಕನ್ನಡ
        ko kor korean 한국어
        kr kau kanuri
        ks kas kashmiri
        ku kur kurdish kurdî kurdi
        kv kom komi
        kw cor cornish
        ky kir kyrgyz kirghiz кыргызча
        la lat latin latina
        lb ltz luxembourgish letzeburgesch lëtzebuergesch
        lg lug ganda luganda
        li lim limburgish limburgan
        ln lin lingala
        lo lao ລາວ
        lt lit lithuanian lietuvių lietuviu
        lu lub lubakatanga
        lv lav lvs latvian latviešu latviesu
        mg mlg plt malagasy
        mh mah marshallese
        mi mri mao maori māori
        mk mkd mac macedonian македонски
        ml mal malayalam മലയാളം
        mn mon khk mongolian монгол
        mr mar marathi मराठी
        ms msa may zsm malay bahasamelayu
        mt mlt maltese malti
        my mya bur burmese myanmar မြန်မာ
        na nau nauru
        nb nob bokmål bokmal norwegianbokmål
        nd nde northndebele
        ne nep npi nepali नेपाली
        ng ndo ndonga
        nl nld dut dutch flemish nederlands vlaams
        nn nno nynorsk norwegiannynorsk
        no nor norwegian norsk
        nr nbl southndebele
        nv nav navajo
        ny nya chichewa nyanja
        oc oci occitan
        oj oji ojibwa
        om orm oromo
        or ori ory odia oriya ଓଡ଼ିଆ
        os oss ossetian
        pa pan punjabi panjabi ਪੰਜਾਬੀ
        pi pli pali
        pl pol polish polski
        ps pus pashto pushto پښتو
        pt por portuguese português portugues
        pt-BR brazilianportuguese brazilian portuguese(brazil) portuguêsbrasileiro
        qu que quechua
        rm roh romansh rumantsch
        rn run rundi kirundi
        ro ron rum romanian moldavian moldovan română romana mo
        ru rus russian русский
        rw kin kinyarwanda
        sa san sanskrit
        sc srd sardinian sardu
        sd snd sindhi سنڌي
        se sme northernsami
        sg sag sango
        si sin sinhala sinhalese සිංහල
        sk slk slo slovak slovenčina slovencina
        sl slv slovenian slovene slovenščina slovenscina
        sm smo samoan
        sn sna shona
        so som somali
        sq sqi alb albanian shqip
        sr srp scc serbian srpski српски
        ss ssw swati
        st sot sesotho southernsotho
        su sun sundanese
        sv swe swedish svenska
        sw swa swh swahili kiswahili
        ta tam tamil தமிழ்
        te tel telugu తెలుగు
        tg tgk tajik тоҷикӣ
        th tha thai ไทย ภาษาไทย
        ti tir tigrinya
        tk tuk turkmen
        tl tgl tagalog
        tn tsn tswana setswana
        to ton tongan
        tr tur turkish türkçe turkce
        ts tso tsonga
        tt tat tatar татарча
        tw twi
        ty tah tahitian
        ug uig uyghur
        uk ukr ukrainian українська ua
        ur urd urdu اردو
        uz uzb uzn uzbek o'zbek oʻzbek
        ve ven venda
        vi vie vietnamese tiếngviệt tiengviet vn
        vo vol volapük
        wa wln walloon
        wo wol wolof
        xh xho xhosa
        yi yid ydd yiddish ji ייִדיש
        yo yor yoruba
        za zha zhuang
        zh zho chi cmn chinese mandarin 中文 汉语 漢語 普通话 cn
        zh-Hans simplifiedchinese chinesesimplified chinese(simplified) 简体中文
        zh-Hant traditionalchinese chinesetraditional chinese(traditional) 繁體中文
        zu zul zulu isizulu
        fil filipino pilipino
        gsw swissgerman schweizerdeutsch schwyzerdütsch
        haw hawaiian
        nds lowgerman plattdeutsch
        yue cantonese 粵語 粤语 廣東話
        """

    /// Of ISO 639-2 and 639-3, some that have no code of two letters: what speech models and systems' locales know.
    private static let others = """
        ace ach acm ada ady ain ajp ale alt anp apc arn arp ary arz ast awa ayc bal ban bas bej bem ber bho bik bin bla brx \
        bua bug byn ceb chk chm cho chr chy ckb crh csb dak dar din doi dsb dua dyu efi ewo fan fon frr frs fur gaa gez \
        gil gon gor hak hif hil hmn hne hsb iba ilo inh jam jbo kaa kab kac kam kbd kea kha kok kos kpe krc krl kru kum \
        lad lah lez lij loz lua luo lus lzh mad mag mai mak man mas mdf men mfe mhr mic min miq mni mnw moh mos mrj mus \
        mwl mwr myv nan nap new nhn nia niu nqo nso nym nyn nzi pag pam pap pau pcm pon prs quz raj rap rar rif rom rup \
        sah sas sat scn sco sdh sgs shn shs sid sma smj smn sms snk srn srr suk sus syr szl tcy tem tet the tig tiv tkl \
        tlh tok tpi tum tvl tyv udm umb unm vai vec vep vot vro wae wal war wuu xal xmf yao yap yuw zap zza
        """

    /// ISO 3166, all of it, and Kosovo.
    static let regions = Set(
        """
        ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by \
        bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et fi fj fk \
        fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir \
        is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk \
        ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm \
        pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf \
        tg th tj tk tl tm tn to tr tt tv tw tz ua ug um us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw xk
        """.split(separator: " ").map(String.init))

    /// Of ISO 15924 those in which living languages are written.
    static let scripts = Set(
        """
        adlm arab armn beng cans cher cyrl deva ethi geor grek gujr guru hans hant hebr jpan khmr knda kore laoo latn mlym \
        mong mymr nkoo olck orya sinh taml telu tfng thaa thai tibt yiii
        """.split(separator: " ").map(String.init))
}
