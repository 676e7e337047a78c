/// The words of which remarks about sounds are made, by language.
///
/// From what Whisper, whisper.cpp, SenseVoice and captions that they were trained on write; English ones come in every
/// language.
struct SoundVocabulary: Sendable {
    /// Each makes a remark: `music`. Of several words with a space between.
    private var sounds: Set<String> = []
    /// May stand beside them: `upbeat`, `playing`.
    private var qualifiers: Set<String> = []
    /// Say that nothing is to be heard.
    private var silences: Set<String> = []

    /// - Parameter language: a code, with or without a region; nil: all languages.
    static func of(_ language: String?) -> SoundVocabulary {
        guard let code = language?.lowercased().prefix(while: { $0 != "-" && $0 != "_" }) else { return all }
        return byLanguage[String(code)] ?? english
    }

    /// - Parameter content: of a bracket.
    /// - Returns: nil where it is no remark about a sound.
    func isOfSilence(_ content: some Sequence<Character>) -> Bool? {
        let spaced = String(content).lowercased().map { $0.isLetter || $0.isNumber ? $0 : " " }
        let words = String(spaced).split(separator: " ").map(String.init)
        let text = words.joined(separator: " ")
        guard !words.isEmpty else { return String(content).contains(where: Self.notes.contains) ? false : nil }
        if silences.contains(text) { return true }
        if sounds.contains(text) { return false }
        let isKnown = words.allSatisfy { sounds.contains($0) || qualifiers.contains($0) }
        return isKnown && words.contains(where: sounds.contains) ? false : nil
    }

    /// Notes, which stand for music by themselves.
    static let notes: Set<Character> = ["♪", "♫", "♬", "♩", "🎵", "🎶"]

    private init(sounds: String = "", with qualifiers: String = "", silences: String = "") {
        func words(_ text: String) -> Set<String> {
            Set(text.split(separator: ",").map { WrittenText.clean(String($0)) })
        }
        self.sounds = words(sounds)
        self.qualifiers = words(qualifiers)
        self.silences = words(silences)
    }

    private func and(_ other: SoundVocabulary) -> SoundVocabulary {
        var both = self
        both.sounds.formUnion(other.sounds)
        both.qualifiers.formUnion(other.qualifiers)
        both.silences.formUnion(other.silences)
        return both
    }

    private static let english = SoundVocabulary(
        sounds:
            "music, applause, clapping, laughter, laughing, laughs, laugh, chuckles, chuckling, giggles, giggling, cheering, "
            + "cheers, cough, coughs, coughing, sneeze, sneezes, sneezing, sigh, sighs, sighing, breathing, gasps, sniffs, "
            + "sniffling, clears throat, throat clearing, noise, noises, sound, sounds, static, beep, beeps, beeping, bell, bells, "
            + "buzzer, buzzing, humming, ringing, phone rings, telephone rings, bell rings, bell ringing, phone ringing, ringtone, "
            + "dial tone, footsteps, typing, knocking, door opens, door closes, door slams, birds chirping, dog barking, barking, "
            + "wind blowing, wind, rain, thunder, engine, engine revving, sirens, siren, whistling, whistle, explosion, gunshot, "
            + "gunshots, screaming, crying, bgm, song, singing, drumroll, drums, piano, guitar, white noise",
        with:
            "upbeat, dramatic, soft, softly, gentle, tense, calm, cheerful, sad, happy, suspenseful, ominous, eerie, light, "
            + "classical, rock, electronic, background, intense, slow, fast, jazz, theme, orchestral, organ, loud, quiet, faint, "
            + "distant, playing, plays, continues, continuing, stops, ends, starts, fades, fading, out, in, the, audience, crowd, "
            + "of, and, intro, outro, opening, closing, ambient, melancholy, melancholic, peaceful, relaxing, inspirational, "
            + "heavy, deep, low, keyboard, mouse, phone, telephone, door, instrumental, solo, indistinct",
        silences:
            "blank audio, blank, silence, silent, no audio, no sound, no speech, nospeech, quiet, pause, end of audio, "
            + "sounds of silence")

    private static let others: [String: SoundVocabulary] = [
        "de": SoundVocabulary(
            sounds:
                "musik, applaus, beifall, lachen, gelächter, lacht, husten, hustet, räuspern, räuspert sich, niesen, seufzen, "
                + "seufzt, rauschen, geräusch, geräusche, klingeln, klopfen, jubel, gesang, pfeifen, piepen, piepton, schritte, "
                + "musik spielt, titelmusik, hintergrundmusik",
            with:
                "leise, laute, ruhige, sanfte, fröhliche, spannende, dramatische, spielt, im, hintergrund, und, publikum, "
                + "telefon",
            silences: "stille, pause, kein ton"),
        "fr": SoundVocabulary(
            sounds:
                "musique, applaudissements, rires, rire, toux, soupir, soupirs, bruit, bruits, sonnerie, acclamations, "
                + "générique, musique de générique, sifflement",
            with: "douce, de, fond, du, public, rythmée, entraînante, calme, et", silences: "silence, pause"),
        "es": SoundVocabulary(
            sounds: "música, aplausos, risas, risa, tos, suspiro, suspiros, ruido, ruidos, timbre, vítores, pitido",
            with: "suave, de, fondo, dramática, alegre, del, público, y", silences: "silencio, pausa"),
        "it": SoundVocabulary(
            sounds:
                "musica, applausi, applauso, risate, risata, ride, tosse, sospiro, sospira, rumore, rumori, suoneria",
            with: "di, sottofondo, dolce, del, pubblico, e", silences: "silenzio, pausa"),
        "pt": SoundVocabulary(
            sounds: "música, aplausos, palmas, risos, risadas, tosse, suspiro, ruído, ruídos, barulho, toque",
            with: "de, fundo, suave, animada, do, público, e", silences: "silêncio, pausa"),
        "nl": SoundVocabulary(
            sounds: "muziek, applaus, gelach, lacht, hoest, zucht, geluid, geruis, gejuich",
            with: "rustige, zachte, spannende, vrolijke, speelt, en", silences: "stilte, pauze"),
        "sv": SoundVocabulary(
            sounds: "musik, applåder, skratt, hosta, suck, ljud, brus, jubel", with: "lugn, och",
            silences: "tystnad, paus"),
        "da": SoundVocabulary(
            sounds: "musik, bifald, klapsalver, latter, griner, hoste, støj, jubel", with: "og",
            silences: "stilhed, pause"),
        "no": SoundVocabulary(
            sounds: "musikk, applaus, latter, hoste, støy, jubel", with: "og", silences: "stillhet, pause"),
        "fi": SoundVocabulary(
            sounds: "musiikkia, musiikki, aplodeja, taputuksia, naurua, yskintää, kohinaa", silences: "hiljaisuus"),
        "pl": SoundVocabulary(
            sounds: "muzyka, oklaski, brawa, śmiech, kaszel, westchnienie, hałas, szum, dzwonek", with: "w, tle, i",
            silences: "cisza, pauza"),
        "cs": SoundVocabulary(
            sounds: "hudba, potlesk, smích, kašel, povzdech, hluk, šum", with: "a", silences: "ticho, pauza"),
        "ru": SoundVocabulary(
            sounds:
                "музыка, аплодисменты, смех, смеется, смеётся, кашель, кашляет, вздох, шум, звонок, гудок, пение, свист, "
                + "музыкальная заставка, звук, звуки",
            with:
                "спокойная, веселая, весёлая, тревожная, тихая, громкая, играет, звучит, фоновая, в, зале, и, динамичная, "
                + "напряженная, напряжённая, грустная, телефона",
            silences: "тишина, пауза, молчание"),
        "uk": SoundVocabulary(
            sounds: "музика, оплески, сміх, кашель, зітхання, шум, дзвінок", with: "спокійна, грає, і, та",
            silences: "тиша, пауза"),
        "tr": SoundVocabulary(
            sounds: "müzik, alkış, alkışlar, kahkaha, gülüşmeler, öksürük, gürültü", with: "hafif, ve",
            silences: "sessizlik"),
        "ja": SoundVocabulary(
            sounds: "音楽, 拍手, 笑い声, 歓声, 咳, ノイズ, 雑音, 効果音, bgm, チャイム, 鐘の音", silences: "無音, 沈黙"),
        "zh": SoundVocabulary(
            sounds: "音乐, 音樂, 掌声, 掌聲, 鼓掌, 笑声, 笑聲, 咳嗽, 噪音, 欢呼声, 歡呼聲, 铃声, 鈴聲",
            silences: "静音, 靜音, 沉默, 无声, 無聲"),
        "ko": SoundVocabulary(
            sounds: "음악, 박수, 웃음, 웃음소리, 기침, 소음, 환호", silences: "침묵, 무음, 정적"),
        "ar": SoundVocabulary(sounds: "موسيقى, تصفيق, ضحك, ضوضاء, سعال", silences: "صمت"),
    ]

    private static let byLanguage: [String: SoundVocabulary] = others.mapValues { $0.and(english) }
    private static let all = others.values.reduce(english) { $0.and($1) }
}
