//! The words of the lexicon, folded: function words by language, and words
//! that spell out addresses.
//!
//! Function words are the most frequent ones of a language that carry no
//! topic; words that several languages share count for each, less.
//!
//! May import: nothing of ours.

use super::lexicon::Role;

/// Languages that words can tell, BCP 47.
pub(super) const LANGUAGES: [&str; 25] = [
    "en", "de", "fr", "es", "pt", "it", "nl", "sv", "da", "no", "fi", "pl", "cs", "hu", "ro", "tr", "vi",
    "id", "ru", "uk", "ar", "fa", "hr", "bg", "ur",
];

/// Function words, in the order of [`LANGUAGES`].
#[rustfmt::skip]
pub(super) const FUNCTION_WORDS: [&str; 25] = [
    "the of and to in is you that it he was for on are with as his they be at this have from or had by but \
     what all were we when your can said there an which their if will how about many then them these so some \
     her would make like him has more no my than been who its now did get do not don't i it's i'm just very \
     because only also should could really too much people think know even why here where any she me our us up \
     out into after over never still every most other such being those while does didn't doesn't isn't can't",
    "der die das und ist nicht ich es ein eine zu den mit von für auf sich des dem auch als an er sie so wie \
     im aber nach aus bei wird noch nur oder war haben hat ihr man mir wenn wir sind kann einen einer einem \
     sehr schon mehr immer was über durch werden diese dieser dieses kein keine doch mal dass daß um uns",
    "le la les de des et est un une du en que qui dans pour pas sur au avec ce il sont plus par je vous nous \
     elle mais on ou son sa ses cette tout c'est n'est j'ai d'un d'une qu'il être avoir fait comme si leur y \
     bien très aussi ne se même donc quand aux sans été était ces cet mon ma mes",
    "el la los las de que y en un una es por con para no se su lo como más pero al del le ya me muy sin sobre \
     este esta todo también hay son fue porque cuando donde quien desde nos ni ha mi si sus está eso esto ser \
     yo tan poco siempre estoy gracias ellos nada",
    "o a os as de que e em um uma é por com para não se do da dos das no na mais mas ao como foi ele ela seu \
     sua já muito também está você isso são quando sem até pelo pela nos eu tem só ser esse essa este esta \
     nem depois ainda tudo bem pra",
    "il lo la i gli le di che e in un una è per con non si da del della dei delle sono al alla più ma come ha \
     anche questo questa nel nella se ci ho mi io era molto essere fatto solo quando perché cosa tutti dal \
     sul suo sua c'è loro sempre tutto già ancora",
    "de het een en van ik te dat die in is je niet hij zijn op aan met als voor had er maar om hem dan zou of \
     wat mijn men dit zo door over ze zich bij ook tot mij uit der daar haar naar heb hoe heeft hebben deze \
     want nog geen wel niets meer worden moet kan u veel",
    "och att det i en jag hon som han på den med var sig för så till är men ett om hade de av icke mig du då \
     sin nu har inte hans honom skulle hennes där min man ej vid kunde något från ut när efter upp vi dem \
     vara vad över än dig kan också bara mycket alla detta",
    "og i jeg det at en den til er som på de med han af for ikke der var mig sig men et har om vi min havde \
     ham hun nu over da fra du ud sin dem os op man hans hvor eller hvad skal selv her alle vil blev kunne \
     ind når være dog noget også meget bare efter",
    "og i jeg det at en et den til er som på de med han av ikke der så var meg seg men ett har om vi min mitt \
     ha hadde hun nå over da ved fra du ut sin dem oss opp man kan hans hvor eller hva skal selv her alle vil \
     bli ble kunne inn når være noe også bare etter mye",
    "ja on ei se että en hän oli olla mutta niin kuin minä sinä tämä ovat myös joka mitä kun voi jos nyt vain \
     sen tai ole olen siitä ne me te he sitä tässä hyvin kaikki vielä sitten eivät ollut koska mukaan paljon",
    "i w na nie z się do to że jest o a jak po co ale za od tak są przez dla tego było tylko już bardzo mnie \
     czy być może ten ta te jego jej ich ma mam lub gdy też więc przed pod nad bez kiedy bo mi tu tam jeszcze \
     nic wszystko które który która",
    "a se v na je že s z do to o i jsem jako za by ale si po jak jsou tak od co být ve pro už když není jen \
     které který jeho není tady bylo byl byla mi tím kde nebo ještě má aby však proto taky protože",
    "a az és hogy nem is egy ez van volt de meg csak már ha el mint azt ki be most még mert én te ő mi ti ők \
     nagyon vagy lesz majd minden vagyok ezt itt ott kell jó sem után akkor pedig",
    "și în de la cu nu este o un pe că să mai din care a fost ce pentru dar sau are sunt al ale prin foarte \
     după cum fi am ai fără până când toate asta acest această doar decât lui ei",
    "ve bir bu da de için çok ne o ile ama mi var daha gibi olarak en kadar sonra ben sen biz siz onlar değil \
     her şey ki olan yok mı bana hiç nasıl şu diye iyi ya ise bunu benim artık",
    "và là của có không được một người cho các trong đã với này những tôi để khi thì cũng như ra vào lại còn \
     rất nhiều đến bạn anh nó từ mà nhưng phải làm đi sẽ vì nếu thế ở",
    "yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena tersebut bisa ada mereka \
     lebih kata tahun sudah atau saat oleh menjadi orang kami kita anda dia tapi sangat banyak bukan kalau \
     hanya telah aku kamu lagi seperti secara",
    "и в не на я что он с как а то это по но мы из у за от так же вы бы о его она для ты был все к если или \
     только еще ещё меня уже нет когда быть даже мне было вот до они ни чтобы есть надо без очень их там тут \
     где почему потому может этого",
    "і в не на що я з та як це до у а він але за по від так ми про ви б його вона для ти був все якщо або \
     тільки ще мене вже немає коли бути навіть мені було ось вони щоб є треба без дуже їх там тут де чому \
     може цього й та",
    "في من على إلى أن هذا هذه ما لا عن مع هو هي كان التي الذي كل لم قد إن أو ثم بعد قبل لكن ذلك بين عند لقد \
     كانت حتى يا ليس غير جدا هل أنا نحن لماذا",
    "و در به از که این را با است برای آن یک خود تا کرد بر هم نیز بود می ما شد یا هر من او اما اگر خیلی چه \
     همه باید نیست شما چون هست کند دارد بسیار",
    "i je u se da na su za od s ne to što kao ali a iz bi sam će po biti nije o samo kako još ili ako kad sve \
     koji koja koje bio bila ima mi ti on ona oni ovo jer vrlo",
    "и в на не се да е за от с по като че това но са до ще си аз ти той тя ние вие те от бъде може който която \
     което много само при има няма след този тази беше защото къде какво все още",
    "کے میں کی ہے سے کا اور کو یہ پر نہیں ہیں نے ہو وہ جو تو بھی کر اس ایک ہی تھا گیا رہے بہت کیا لئے ہوں تھی",
];

/// Top-level domains that an English "dot" standing alone may precede.
#[rustfmt::skip]
const AFTER_DOT: &[&str] = &[
    "com", "net", "org", "info", "biz", "io", "co", "ru", "de", "uk", "eu", "fr", "pl", "xyz", "shop", "site",
    "online", "store", "club", "top", "icu", "vip", "app", "dev", "example", "cc", "tv", "ly", "gg", "br",
];
/// The same for languages whose word for "dot" is also a common word.
const AFTER_PUNTO: &[&str] = &["com", "net", "org", "info", "biz", "xyz", "shop", "online", "example"];
const AFTER_PUNKT: &[&str] =
    &["com", "net", "org", "de", "ch", "info", "shop", "online", "biz", "se", "example", "xyz"];
const AFTER_POINT: &[&str] = &["com", "net", "org", "fr", "be", "ch", "example"];
const AFTER_TOCHKA: &[&str] = &["ru", "com", "net", "org", "ру", "ком", "рф", "ua", "su", "example"];
const AFTER_KROPKA: &[&str] = &["pl", "com", "net", "org", "eu", "example"];
const AFTER_NOKTA: &[&str] = &["com", "net", "org", "tr", "example"];

/// Words that spell out addresses and numbers, by what they stand for.
#[rustfmt::skip]
pub(super) const ADDRESS_WORDS: &[(Role, &str)] = &[
    (Role::Dot(AFTER_DOT), "dot d0t dottt"),
    (Role::Dot(AFTER_PUNKT), "punkt punkts"),
    (Role::Dot(AFTER_PUNTO), "punto ponto"),
    (Role::Dot(AFTER_POINT), "point"),
    (Role::Dot(AFTER_TOCHKA), "точка тчк крапка tochka"),
    (Role::Dot(AFTER_KROPKA), "kropka tečka"),
    (Role::Dot(AFTER_NOKTA), "nokta"),
    (Role::At, "at ät arroba chiocciola собака małpa kuyruklu zavináč snabela apenstaartje arobase"),
    (Role::Digit(0), "zero null cero nol нуль ноль sıfır"),
    (Role::Digit(1), "one eins uno um один bir jeden wan"),
    (Role::Digit(2), "two zwei deux dos dois due два iki dwa"),
    (Role::Digit(3), "three drei trois tres três tre три üç trzy"),
    (Role::Digit(4), "four vier quatre cuatro quatro quattro четыре dört cztery"),
    (Role::Digit(5), "five fünf cinq cinco cinque пять beş pięć"),
    (Role::Digit(6), "six sechs seis sei шесть altı sześć"),
    (Role::Digit(7), "seven sieben sept siete sete sette семь yedi siedem"),
    (Role::Digit(8), "eight acht huit ocho oito otto восемь sekiz osiem"),
    (Role::Digit(9), "nine neun neuf nueve nove девять dokuz dziewięć"),
    (Role::Plus, "plus плюс más mais più"),
    (Role::Messenger("whatsapp"), "whatsapp whatsap watsapp watsap whatapp whtsapp whotsapp whatsaap whatzapp \
        wathsapp wsp wapp вотсап ватсап вацап ватсапп вотсапп уотсап واتساب واتسآب واتس וואטסאפ ווטסאפ wassap \
        zapzap व्हाट्सएप"),
    (Role::Messenger("telegram"), "telegram telegramm telegran telgram tlgrm telegrem tg телеграм телеграмм \
        телега тг تلجرام تليجرام تيليجرام تلگرام تليغرام טלגרם टेलीग्राम télégram telegramie"),
    (Role::Messenger("signal"), "signal"),
    (Role::Messenger("viber"), "viber вайбер فايبر"),
    (Role::Messenger("wechat"), "wechat weixin wechatid"),
    (Role::Messenger("skype"), "skype скайп سكايب"),
    (Role::Messenger("snapchat"), "snapchat snap снапчат سناب"),
    (Role::Messenger("instagram"), "instagram insta ig инстаграм инстаграмм инста انستقرام انستا instagramie"),
    (Role::Messenger("discord"), "discord дискорд"),
    (Role::Messenger("kik"), "kik"),
    (Role::Messenger("line"), "line"),
    (Role::Messenger("kakaotalk"), "kakaotalk kakao 카카오톡 카톡"),
    (Role::Messenger("zalo"), "zalo"),
    (Role::Messenger("threema"), "threema"),
    (Role::Messenger("wickr"), "wickr"),
    (Role::Messenger("icq"), "icq аська"),
    (Role::Messenger("qq"), "qq"),
    (Role::Messenger("telegram"), "텔레그램"),
    (Role::Call, "call phone tel text sms mobile cell dial contact ring hotline helpline number nr txt mob fax \
        telefon tel anrufen anruf ruf handy nummer handynummer appelez appeler téléphone numéro portable llama \
        llame llamar teléfono telefono número numero chiama chiamare cellulare ligue ligar celular telefone \
        fone bel bellen telefoon nummeret ring ringa zadzwoń dzwoń numer telefonu звоните звони позвоните \
        телефон тел номер пиши пишите дзвоніть ara arayın numara telefonum gọi liên điện hubungi telepon hp \
        اتصل رقم هاتف جوال تلفن شماره התקשרו טלפון फोन कॉल नंबर"),
];
