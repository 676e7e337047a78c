/// Small words that say where a line is broken well: before a conjunction or a preposition, never behind an article.
struct FunctionWords: Sendable, Hashable {
    /// Articles, and prepositions of one letter where writers keep them with what follows: no line ends with them.
    let articles: Set<String>
    /// Conjunctions, prepositions and relative pronouns: lines begin with them rather than end with them.
    let leading: Set<String>
    /// Pronouns before their verbs, possessives, frequent adjectives and the like: lines had better not end with them.
    let attached: Set<String>
    /// Particles of scripts without spaces: they stay with what they follow.
    let particles: Set<String>
    /// What adjectives of the language end with that stand before their nouns, where that tells them.
    let adjectiveEndings: [String]
    let capitals: Capitals

    /// What a capital inside a sentence says.
    enum Capitals: Sendable, Hashable { case name, noun, nothing }

    /// Empty for a language that is not known here.
    init(language: String?) {
        self =
            language.flatMap { Self.byLanguage[$0] }
            ?? FunctionWords("", "", "", capitals: language == nil ? .nothing : .name)
    }

    private init(
        _ articles: String, _ leading: String, _ attached: String, particles: String = "", adjectives: String = "",
        capitals: Capitals = .name
    ) {
        func words(_ text: String) -> [String] { text.split(whereSeparator: \.isWhitespace).map(String.init) }
        self.articles = Set(words(articles))
        self.leading = Set(words(leading))
        self.attached = Set(words(attached))
        self.particles = Set(words(particles))
        adjectiveEndings = words(adjectives)
        self.capitals = capitals
    }

    /// An adjective before its noun, or a first name before the last, as far as endings and capitals tell.
    func areAttached(_ first: Substring, _ second: Substring) -> Bool {
        let isCapital = second.first?.isUppercase == true && second.count > 1
        if capitals == .name, isCapital, first.first?.isUppercase == true, first.count > 1 { return true }
        guard capitals != .noun || isCapital && first.first?.isLowercase == true, first.count > 3 else { return false }
        return adjectiveEndings.contains { first.hasSuffix($0) }
    }

    private static let byLanguage: [String: FunctionWords] = [
        "en": FunctionWords(
            "a an the",
            """
            about after although among and around as at because before behind between but by during for from if in into
            nor of on onto or over since so than that though through till to toward towards under unless until upon when
            where whereas whether which while who whom whose with within without
            """,
            """
            all any each every he her his how i i'm i've i'll it it's its many more most my no not our she some such that's
            their these they this those very we what who's you your
            big final first full good great high last little long main new next old other own public real same second small
            whole young
            """),
        "de": FunctionWords(
            "der die das den dem des ein eine einen einem einer eines",
            """
            ab aber als am an auf aus bei beim bevor bis da damit dass daß denn durch für gegen hinter im in ins mit nach
            nachdem neben ob obwohl oder ohne seit seitdem sobald sondern sowie trotz um und unter vom von vor während wegen
            weil welche welcher welches wenn wie wo zu zum zur zwischen über
            """,
            """
            alle allen aller alles dein deine deinen diese diesem diesen dieser dieses er es euer eure ich ihr ihre ihrem
            ihren ihrer jede jedem jeden jeder jedes kein keine keinem keinen keiner man mein meine meinem meinen meiner
            nicht sein seine seinem seinen seiner sehr sie unser unsere unserem unseren viele wir
            """, adjectives: "e en er es em", capitals: .noun),
        "fr": FunctionWords(
            "le la les l' l’ un une du des de d' d’ au aux",
            """
            afin alors après avant avec car chez comme contre dans depuis derrière dès donc dont en entre et jusque lorsque
            mais malgré ni or ou où par parce pendant pour puisque quand que qui sans sauf selon si sous sur vers
            """,
            """
            ce ces cet cette chaque elle elles il ils j' je leur leurs ma mes mon ne nos notre nous on quelques sa ses son sa
            ta tes ton tu votre vos vous très
            autre bon bonne grand grande jeune nouveau nouvelle petit petite premier première vieux vieille
            """),
        "es": FunctionWords(
            "el la los las lo un una unos unas al del",
            """
            a ante aunque bajo como con contra cuando de desde donde durante e en entre hacia hasta mientras ni o para pero
            por porque pues que quien según si sin sino sobre tras u y
            """,
            """
            cada él ella ellas ellos esa esas ese esos esta estas este estos mi mis muy no nos nuestra nuestro se su sus tu
            tus yo
            gran misma mismo nueva nuevo otra otro primer primera
            """),
        "it": FunctionWords(
            """
            il lo la l' l’ i gli le un uno una un' un’ del dello della dell' dell’ dei degli delle al allo alla all' all’ ai
            agli alle dal dallo dalla dai dagli dalle nel nello nella nell' nell’ nei negli nelle sul sullo sulla sui sugli
            sulle
            """,
            """
            a anche che chi come con contro cui da di dopo dove durante e ed fra in ma mentre né o oppure per perché però
            poiché prima quando se senza sopra sotto su tra verso
            """,
            """
            ci ogni io lei loro lui mi mia mie miei mio molto noi non nostra nostro questa queste questi questo quel quella
            quelle si sua sue sui suo suoi tu tua tuo vi voi
            altra altro gran grande nuova nuovo prima primo stessa stesso
            """),
        "pt": FunctionWords(
            """
            o a os as um uma uns umas do da dos das no na nos nas ao à aos às pelo pela pelos pelas num numa dum duma
            """,
            """
            até antes após como com contra de depois desde durante e em embora enquanto entre mas nem onde ou para pois por
            porque porém quando que quem se sem sob sobre
            """,
            """
            cada ela elas ele eles essa esse esta este eu meu meus minha muito nossa nosso não nós seu seus sua suas você
            vocês
            grande mesma mesmo nova novo outra outro primeira primeiro
            """),
        "nl": FunctionWords(
            "de het een 't",
            """
            aan achter als bij boven dat die door dus en hoewel in maar met na naar naast nadat of om omdat onder op over
            sinds te tegen terwijl toen tot totdat tussen uit van voor want wanneer waar zodat zonder
            """,
            """
            alle deze dit elk elke geen haar hij hun ieder iedere ik je jij jouw jullie mijn niet onze ons we wij ze zeer zij
            zijn
            andere eerste goede grote kleine laatste nieuwe oude volgende
            """),
        "ru": FunctionWords(
            "в во к ко с со о об у и а",
            """
            без в во для до за из или как когда который которая которое которые ко если к между на над не но о об около от
            перед по под после потому при про с со среди так хотя через чтобы что где и а
            """,
            """
            все всё его её ещё их каждый мой моя мы не наш наша ни он она они очень свой своя тот эта эти это этот я ты вы
            """, adjectives: "ый ий ая ое ые ого ому ых ыми ую"),
        "pl": FunctionWords(
            "w we z ze o u i a",
            """
            ale albo bez bo dla do gdy gdzie i jak jeśli kiedy który która które lub na nad od po pod ponieważ przed przez
            przy w we z ze za że żeby aby a o u
            """,
            "jego jej ich mój moja nasz nasza nie ten ta to te ja ty on ona my wy oni bardzo się"),
        "ja": FunctionWords("", "", "", particles: "は が を に へ と も の で や か ね よ な から まで より です ます た て だ"),
        "zh": FunctionWords("", "", "", particles: "的 地 得 了 着 过 吗 呢 吧 啊 们"),
    ]
}
