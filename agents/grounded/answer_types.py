"""What kind of answer a question wants: a time, an amount, hours, an address."""

import re
from dataclasses import dataclass, field

import re2

# Neither numbers nor words go on for ever: each place is looked at so often at most.
NUMBER = (
    r"(?:\d[\d.,\s–-]{0,40}+|"
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve)\s)"
)
UNIT = (
    r"(?:second|minute|hour|day|week|month|year|sekund|minut|stund|tag|woch|monat|jahr|"
    r"jour|heure|semaine|mois|d[ií]a|hora|semana|mes|giorn|or[ae]\b|settiman|dag|uur|"
    r"uren|timm|veck|uke|uge|päiv|tunti|viikko)"
)
WEEKDAY = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|"
    r"lundi|mardi|jeudi|vendredi|samedi|lunes|viernes|luned|venerd)"
)
CLOCK = r"(?:\d\s*(?:a\.?m|p\.?m|uhr|o['’]clock)\b|\b\d{1,2}:\d\d\b)"
TIME = re.compile(
    rf"{NUMBER}(?:\w{{1,40}}+\s{{1,40}}+)?{UNIT}|{CLOCK}|{WEEKDAY}|"
    rf"\b(?:same|next|every) {UNIT}|"
    r"\b(?:immediately|sofort|at once|straight away)\b",
    re.IGNORECASE,
)
HOURS = re.compile(rf"{WEEKDAY}|{CLOCK}|24/7", re.IGNORECASE)
MONEY = re.compile(
    r"[€$£¥]\s*\d|\d\s*(?:[€$£¥%]|eur|usd|gbp|chf|euro|dollar|pound|cent|kr\b)|"
    r"\bfree\b|\bno (?:extra )?(?:cost|charge)|\bkostenlos|\bgratis\b|\bgratuit|"
    r"\bgratuito",
    re.IGNORECASE,
)
MAIL = r"(?<![\w.+-])[\w.+-]++@[\w-]++\.\w++"
PHONE = r"(?:\+|\b0)\d[\d\s/()-]{5,}\d"
PAYMENT = re.compile(
    r"\b(?:card|paypal|visa|mastercard|american express|amex|invoice|transfer|sepa|"
    r"klarna|apple pay|google pay|cash|che(?:ck|que)s?|debit|twint|rechnung|"
    r"überweisung|lastschrift|vorkasse|kreditkarte|carte|virement|tarjeta|"
    r"bonifico)\w*",
    re.IGNORECASE,
)
REACH = re.compile(rf"{MAIL}|{PHONE}|https?://|\bwww\.", re.IGNORECASE)
# Where a word begins and ends, and other words of the same line before another, for
# RE2: with it a question may repeat its words for ever. Its \b knows only ASCII.
START, END = r"(?:\A|[^\pL\pN_])", r"(?:\z|[^\pL\pN_])"
MORE = r"(?:.*[^\pL\pN_\n])?"
LATER = rf"[^\pL\pN_\n]{MORE}"


@dataclass(frozen=True)
class Kind:
    """How such a question is asked, and how its answer looks."""

    asks: re.Pattern[str] | re2._Regexp
    answer: re.Pattern[str]
    # Words, as stems, that the looks of an answer make up for.
    means: frozenset[str] = field(default_factory=frozenset)
    # Without the looks it is no answer.
    is_required: bool = False

    def seen_in(self, text: str) -> set[str]:
        """Return what in a text looks like such an answer."""
        return {match[0].lower().rstrip("s") for match in self.answer.finditer(text)}


KINDS = (
    Kind(
        re2.compile(
            rf"(?i){START}(?:when{LATER}(?:open|close[sd]?){END}|"
            rf"(?:opening|business|closing) (?:hours|times?)|"
            rf"what time{LATER}(?:open|close)|open on{END}|"
            rf"wann{LATER}(?:offen|geöffnet|auf){END})|"
            r"[öo]ffnungszeiten|horaires|horario|orari"
        ),
        HOURS,
        frozenset("hour time busi offnungszeit öffnungszeit".split()),
    ),
    Kind(
        re.compile(
            r"\b(?:how (?:long|soon|fast|quick(?:ly)?|often|many (?:days|weeks|hours))|"
            r"when|what time|until when|wie lange|wann|bis wann|wie schnell|wie oft|"
            r"combien de temps|quand|cu[aá]ndo|cu[aá]nto tiempo|quando|wanneer|"
            r"hoe lang)\b",
            re.IGNORECASE,
        ),
        TIME,
        frozenset("long take time day hour dauert dau lang".split()),
    ),
    Kind(
        re.compile(
            r"\b(?:how much|who (?:pays|covers|bears)|what does .{1,200}? cost|prices?|"
            r"fees?|costs?|charge|how expensive|wie ?viel|kostet|kosten|preis\w*|teuer|"
            r"combien|prix|cu[aá]nto|precio|quanto|prezzo|hoeveel|prijs)\b",
            re.IGNORECASE,
        ),
        MONEY,
        frozenset(
            "much pay cost price fee charg expens kost kostet preis teuer viel".split()
        ),
    ),
    Kind(
        re2.compile(
            rf"(?i){START}(?:payment (?:methods?|options?|types?)|"
            rf"(?:how|ways?|where) {MORE}pay{END}|"
            rf"accept {MORE}(?:cards?|cash|checks?)|cards?{LATER}accept|"
            rf"pay (?:by|with|in){END}|zahlungs[\pL\pN_]|"
            rf"wie {MORE}(?:zahlen|bezahlen){END})"
        ),
        PAYMENT,
        frozenset(
            "payment pay card method option way "
            "zahl bezahl zahlungsart zahlungsmittel".split()
        ),
        is_required=True,
    ),
    Kind(
        re.compile(
            r"\b(?:phone|telephone|call you|telefon\w*|anrufen|t[eé]l[eé]phone|"
            r"tel[eé]fono)\b",
            re.IGNORECASE,
        ),
        re.compile(PHONE),
        frozenset("phone telephon call number telefon telefonnumm".split()),
        is_required=True,
    ),
    Kind(
        re.compile(
            r"\b(?:e-?mail address|email you|your e-?mail|mailadresse)\b",
            re.IGNORECASE,
        ),
        re.compile(MAIL),
        frozenset("email mail address".split()),
        is_required=True,
    ),
    Kind(
        re.compile(
            r"\b(?:contact|reach|get in touch|kontakt\w*|erreich\w*|"
            r"contacter|contactar)\b",
            re.IGNORECASE,
        ),
        REACH,
        frozenset(
            "contact reach touch kontakt erreich support servic custom team".split()
        ),
        is_required=True,
    ),
)


def kinds_of(question: str) -> list[Kind]:
    """Return the kinds of answer a question wants."""
    return [kind for kind in KINDS if kind.asks.search(question)]
