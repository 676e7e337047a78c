import Testing

/// Text of one language for the tests of subtitles. In scripts without spaces a bar stands wherever a line may be broken
/// without parting a word; it is no part of the text.
struct SubtitleText: Sendable, CustomTestStringConvertible {
    let language: String
    /// Sentences or phrases, in an order that makes sense.
    let sentences: [String]
    /// Characters a second that people speak.
    let speed: Double

    init(_ language: String, speed: Double = 15, _ sentences: String...) {
        self.language = language
        self.speed = speed
        self.sentences = sentences
    }

    var testDescription: String { language }

    static let all: [SubtitleText] = [
        SubtitleText(
            "en", "The committee will meet on Monday morning to discuss the budget for the next financial year.",
            "Please bring the report about the new school, because we have to decide about it before the summer.",
            "It was a bright cold day, and the clocks in the square were striking 12 as Mr. Brown opened a window.",
            "Yes.", "Nobody knows who built the bridge that leads across the river to the old market."),
        SubtitleText(
            "de", "Der Ausschuss trifft sich am Montagmorgen, um den Haushalt des kommenden Jahres zu besprechen.",
            "Bitte bringen Sie den Bericht über die neue Schule mit, weil wir vor dem Sommer darüber entscheiden müssen.",
            "Es war ein heller, kalter Tag, und die Strecke bis zur Grenze ist etwa 42 km lang.", "Nein.",
            "Die Donaudampfschifffahrtsgesellschaft hat eine Brücke gebaut, die über den Fluss zum alten Markt führt."),
        SubtitleText(
            "fr", "Le comité se réunira lundi matin pour discuter du budget de la prochaine année.",
            "Veuillez apporter le rapport sur la nouvelle école, parce que nous devons décider avant l'été.",
            "Qui a construit le pont qui mène au vieux marché ? Personne ne le sait !",
            "« Il faisait froid », dit la femme, et elle ferma une fenêtre."),
        SubtitleText(
            "es", "El comité se reunirá el lunes por la mañana para discutir el presupuesto del próximo año.",
            "Traigan el informe sobre la nueva escuela, porque tenemos que decidir antes del verano.",
            "¿Quién construyó el puente que lleva al viejo mercado? Nadie lo sabe, pero la gente lo cruza cada día."),
        SubtitleText(
            "it", "Il comitato si riunirà lunedì mattina per discutere il bilancio del prossimo anno.",
            "Portate la relazione sulla nuova scuola, perché dobbiamo decidere prima dell'estate.",
            "Nessuno sa chi ha costruito il ponte che porta al vecchio mercato, ma la gente lo attraversa ogni giorno."),
        SubtitleText(
            "pt", "O comitê vai se reunir na segunda-feira de manhã para discutir o orçamento do próximo ano.",
            "Tragam o relatório sobre a nova escola, porque temos de decidir antes do verão.",
            "Ninguém sabe quem construiu a ponte que leva ao velho mercado, mas as pessoas passam por ela."),
        SubtitleText(
            "nl", "De commissie komt maandagochtend bijeen om de begroting van het volgende jaar te bespreken.",
            "Neem het verslag over de nieuwe school mee, omdat we voor de zomer een besluit moeten nemen.",
            "Niemand weet wie de brug heeft gebouwd die over de rivier naar de oude markt leidt."),
        SubtitleText(
            "ru", "Комитет соберётся в понедельник утром, чтобы обсудить бюджет на следующий год.",
            "Пожалуйста, принесите отчёт о новой школе, потому что мы должны принять решение до лета.",
            "Никто не знает, кто построил мост, который ведёт через реку к старому рынку."),
        SubtitleText(
            "ar", "ستجتمع اللجنة صباح يوم الاثنين لمناقشة ميزانية السنة القادمة.",
            "من فضلكم أحضروا التقرير عن المدرسة الجديدة، لأن علينا أن نقرر قبل الصيف.",
            "هل تعرفون من بنى الجسر الذي يؤدي إلى السوق القديم؟ لا أحد يعرف ذلك، ولكن الناس يعبرونه كل يوم."),
        SubtitleText(
            "he", "הוועדה תיפגש ביום שני בבוקר כדי לדון בתקציב של השנה הבאה.",
            "אנא הביאו את הדו״ח על בית הספר החדש, כי עלינו להחליט לפני הקיץ.",
            "איש אינו יודע מי בנה את הגשר שמוביל אל השוק הישן, אבל אנשים עוברים בו בכל יום."),
        SubtitleText(
            "fa", "کمیته صبح دوشنبه جلسه می‌گذارد تا دربارهٔ بودجهٔ سال آینده گفتگو کند.",
            "لطفاً گزارش مدرسهٔ تازه را بیاورید، زیرا باید پیش از تابستان تصمیم بگیریم."),
        SubtitleText(
            "hi", "समिति सोमवार की सुबह अगले वर्ष के बजट पर चर्चा करने के लिए मिलेगी।",
            "कृपया नए विद्यालय की रिपोर्ट साथ लाइए, क्योंकि हमें गर्मियों से पहले निर्णय लेना है।"),
        SubtitleText(
            "ko", speed: 7, "위원회는 월요일 아침에 모여 내년 예산을 논의할 예정입니다.",
            "새 학교에 관한 보고서를 가져오세요, 여름 전에 결정해야 하기 때문입니다.",
            "강을 건너 옛 시장으로 가는 다리를 누가 지었는지 아무도 모릅니다."),
        SubtitleText(
            "zh", speed: 5, "委员会|将|在|星期一|早上|开会，|讨论|明年|的|预算。", "请|带来|关于|新|学校|的|报告，|因为|我们|必须|在|夏天|之前|决定。",
            "没有|人|知道|是|谁|建造|了|这|座|桥，|但是|大家|每天|都|从|上面|走过。", "好。"),
        SubtitleText(
            "ja", speed: 7, "委員|会|は|月曜|日|の|朝|に|集まり、|来年|の|予算|を|話し合い|ます。",
            "新しい|学校|に|つい|て|の|報告|書|を|持って|き|て|くだ|さい。", "誰|が|この|橋|を|建て|た|か|は、|誰|も|知り|ませ|ん。"),
        SubtitleText(
            "th", speed: 12, "คณะ|กรรม|การ|จะ|ประชุม|ใน|เช้า|วัน|จันทร์|เพื่อ|พูด|คุย|เกี่ยว|กับ|งบ|ประมาณ|ของ|ปี|หน้า",
            "กรุณา|นำ|ราย|งาน|เกี่ยว|กับ|โรง|เรียน|ใหม่|มา|ด้วย|เพราะ|เรา|ต้อง|ตัด|สิน|ใจ|ก่อน|ฤดู|ร้อน",
            "ไม่|มี|ใคร|รู้|ว่า|ใคร|สร้าง|สะพาน|นี้ แต่|ผู้|คน|ข้าม|สะพาน|นี้|ทุก|วัน"),
        SubtitleText(
            "lo", speed: 12, "ຂ້ອຍ|ຮຽນ|ພາ|ສາ|ລາວ|ຢູ່|ໂຮງ|ຮຽນ|ໃໝ່|ທຸກ|ມື້ ແລະ|ຂ້ອຍ|ມັກ|ອ່ານ|ປຶ້ມ|ຢູ່|ເຮືອນ|ຂອງ|ຂ້ອຍ"),
        SubtitleText(
            "km", speed: 12, "ខ្ញុំ|រៀន|ភា|សា|ខ្មែរ|នៅ|សា|លា|រៀន|ថ្មី|រាល់|ថ្ងៃ។ ខ្ញុំ|ចូល|ចិត្ត|អាន|សៀវ|ភៅ|នៅ|ផ្ទះ|របស់|ខ្ញុំ។"),
        SubtitleText(
            "my", speed: 12, "ကျွန်|တော်|က|မြန်|မာ|စာ|ကို|ကျောင်း|မှာ|သင်|တယ်။ ကျွန်|တော်|က|အိမ်|မှာ|စာ|အုပ်|ကို|ဖတ်|တယ်။"),
    ]
}
