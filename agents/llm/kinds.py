"""What kind of answer a question wants: a time, an amount, hours, an address."""

import re
from dataclasses import dataclass, field

NUMBER = (
    r"(?:\d[\d.,\s–-]*|(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve)\s)"
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
    rf"{NUMBER}(?:\w+\s+)?{UNIT}|{CLOCK}|{WEEKDAY}|\b(?:same|next|every) {UNIT}|"
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
MAIL = r"[\w.+-]+@[\w-]+\.\w+"
PHONE = r"(?:\+|\b0)\d[\d\s/()-]{5,}\d"
PAYMENT = re.compile(
    r"\b(?:card|paypal|visa|mastercard|american express|amex|invoice|transfer|sepa|"
    r"klarna|apple pay|google pay|cash|che(?:ck|que)s?|debit|twint|rechnung|"
    r"überweisung|lastschrift|vorkasse|kreditkarte|carte|virement|tarjeta|"
    r"bonifico)\w*",
    re.IGNORECASE,
)
REACH = re.compile(rf"{MAIL}|{PHONE}|https?://|\bwww\.", re.IGNORECASE)


@dataclass(frozen=True)
class Kind:
    """How such a question is asked, and how its answer looks."""

    asks: re.Pattern[str]
    answer: re.Pattern[str]
    # Words, as stems, that the looks of an answer make up for.
    means: frozenset[str] = field(default_factory=frozenset)
    # Without the looks it is no answer.
    is_required: bool = False

    def seen_in(self, text: str) -> set[str]:
        """Return what in a text looks like such an answer."""
        return {match[0].lower().rstrip("s") for match in self.answer.finditer(text)}


def _kind(asks: str, answer: re.Pattern[str], means: str = "", **fields) -> Kind:
    return Kind(
        re.compile(asks, re.IGNORECASE), answer, frozenset(means.split()), **fields
    )


KINDS = (
    _kind(
        r"\bwhen\b.*\b(?:open|close[sd]?)\b|"
        r"\b(?:opening|business|closing) (?:hours|times?)|"
        r"\bwhat time\b.*\b(?:open|close)|\bopen on\b|[öo]ffnungszeiten|"
        r"\bwann\b.*\b(?:offen|geöffnet|auf)\b|horaires|horario|orari",
        HOURS,
        "hour time busi offnungszeit öffnungszeit",
    ),
    _kind(
        r"\b(?:how (?:long|soon|fast|quick(?:ly)?|often|many (?:days|weeks|hours))|"
        r"when|what time|until when|wie lange|wann|bis wann|wie schnell|wie oft|"
        r"combien de temps|quand|cu[aá]ndo|cu[aá]nto tiempo|quando|wanneer|hoe lang)\b",
        TIME,
        "long take time day hour dauert dau lang",
    ),
    _kind(
        r"\b(?:how much|who (?:pays|covers|bears)|what does .* cost|prices?|fees?|"
        r"costs?|charge|how expensive|wie ?viel|kostet|kosten|preis\w*|teuer|combien|"
        r"prix|cu[aá]nto|precio|quanto|prezzo|hoeveel|prijs)\b",
        MONEY,
        "much pay cost price fee charg expens kost kostet preis teuer viel",
    ),
    _kind(
        r"\bpayment (?:methods?|options?|types?)|"
        r"\b(?:how|ways?|where) .*\bpay\b|\baccept .*\b(?:cards?|cash|checks?)|"
        r"\bcards?\b.*\baccept|"
        r"\bpay (?:by|with|in)\b|\bzahlungs\w+|\bwie .*\b(?:zahlen|bezahlen)\b",
        PAYMENT,
        "payment pay card method option way zahl bezahl zahlungsart zahlungsmittel",
        is_required=True,
    ),
    _kind(
        r"\b(?:phone|telephone|call you|telefon\w*|anrufen|t[eé]l[eé]phone|"
        r"tel[eé]fono)\b",
        re.compile(PHONE),
        "phone telephon call number telefon telefonnumm",
        is_required=True,
    ),
    _kind(
        r"\b(?:e-?mail address|email you|your e-?mail|mailadresse)\b",
        re.compile(MAIL),
        "email mail address",
        is_required=True,
    ),
    _kind(
        r"\b(?:contact|reach|get in touch|kontakt\w*|erreich\w*|contacter|contactar)\b",
        REACH,
        "contact reach touch kontakt erreich support servic custom team",
        is_required=True,
    ),
)


def kinds_of(question: str) -> list[Kind]:
    """Return the kinds of answer a question wants."""
    return [kind for kind in KINDS if kind.asks.search(question)]
