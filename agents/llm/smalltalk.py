"""What is no question to the documents: greetings, thanks, and asking for the prompt."""

import re

from agents.llm.phrases import Phrases, listed, phrases_in
from agents.llm.provider import Turn

LONGEST = 80
EDGES = " \t\n.,;:!?…¡¿'\"“”’"

HELLO = (
    r"(?:hi+|hello+|hey+|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|"
    r"hallo|moin|servus|gr[uü](?:ss|ß) gott|guten (?:tag|morgen|abend)|"
    r"bonjour|bonsoir|salut|hola|buen[oa]s(?: d[ií]as| tardes| noches)?|"
    r"ciao|buongiorno|buonasera|salve|ol[aá]|oi|bom dia|boa (?:tarde|noite)|"
    r"hoi|goede(?:morgen|middag|navond)|hej(?:san)?|hei|god (?:dag|morgon|morgen|kveld)|"
    r"goddag|terve|moi|hyv[aä][aä] p[aä]iv[aä][aä])"
)
TO_WHOM = r"(?:\s+(?:there|again|all|everyone|team|you|zusammen|nochmal))?"

PATTERNS = {
    "hello": rf"{HELLO}{TO_WHOM}",
    "well": rf"(?:{HELLO}{TO_WHOM}\W+)?(?:how are you(?: doing)?(?: today)?|how'?s it "
    r"going|what'?s up|wie geht(?:'?s| es)(?: dir| ihnen)?|(?:comment )?[cç]a va|"
    r"qu[eé] tal|c[oó]mo est[aá]s?|come stai|tudo bem|hur m[aå]r du|hoe gaat het)",
    "welcome": r"(?:(?:ok(?:ay)?|great|perfect|super|cool)\W+)?(?:(?:many )?thanks?"
    r"(?: you)?(?: (?:so|very) much| a lot)?(?: for your help)?|thx|ty|cheers|"
    r"(?:vielen |besten )?dank(?:e(?: schön| sehr)?)?|merci(?: beaucoup)?|"
    r"(?:muchas )?gracias|grazie(?: mille)?|(?:muito )?obrigad[oa]|dank (?:je|u)(?: wel)?|"
    r"bedankt|tack(?: så mycket)?|(?:mange )?takk?|kiitos)",
    "goodbye": r"(?:good ?bye|bye(?: bye)?|see (?:you|ya)(?: later)?|take care|"
    r"tsch[uü](?:ss|ß)|auf wiedersehen|ciao|au revoir|adi[oó]s|hasta luego|"
    r"arrivederci|tchau|at[eé] logo|tot ziens|hej ?d[aå]|ha det(?: bra)?|farvel|näkemiin)",
    "identity": r"(?:who|what) are you|what(?:'s| is) your name|"
    r"are you (?:an? )?(?:(?:real|actual|live) )?(?:ai|bot|chat ?bot|robot|human(?: being)?|"
    r"person|machine|real)|am i (?:talking|speaking|chatting) (?:to|with) an? .{2,30}|"
    r"wer (?:bist du|sind sie)|wie hei(?:ß|ss)(?:t du|en sie)|"
    r"(?:bist du|sind sie) (?:ein )?(?:mensch|bot|roboter|ki)|"
    r"qui (?:es-tu|[eê]tes[- ]vous)|qui[eé]n eres|chi sei|quem [eé] voc[eê]|"
    r"wie ben (?:jij|je)|vem är du|hvem er du|kuka olet",
    "help": r"help(?: me)?(?: please)?|please help(?: me)?|(?:can|could) you help(?: me)?|"
    r"i need (?:some )?help|what can you do(?: for me)?|how can you help(?: me)?|"
    r"what (?:can|may|should) i ask(?: you)?|what do you know|"
    r"hilfe|was k(?:annst du|önnen sie)(?: (?:alles|für mich tun))?|"
    r"(?:kannst du|können sie) mir helfen|aide|ayuda|aiuto|ajuda",
}
COMPILED = {
    name: re.compile(pattern, re.IGNORECASE) for name, pattern in PATTERNS.items()
}
GREETING_FIRST = re.compile(rf"\s*{HELLO}{TO_WHOM}\s*[,!.:;–-]+\s+", re.IGNORECASE)

SECRET = (
    r"(?:system|initial|original|hidden|secret|internal|exact|full|complete|own|"
    r"previous|prior|above|earlier|developer)"
)
RULES = r"(?:instructions?|prompts?|directives?|guidelines|rules|programming|persona)"
ASKS_FOR_INSTRUCTIONS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:system|developer|hidden|initial|secret)[ -]?(?:prompt|message|instructions?)",
        rf"\b(?:your|the|all|any|these|those)\s+(?:{SECRET}\s+)+{RULES}\b",
        rf"\b(?:reveal|show|print|repeat|recite|display|output|leak|dump|quote|share|"
        rf"tell me|give me|write out|summari[sz]e|translate|paraphrase|what (?:are|is|were|"
        rf"was))\s+(?:\w+\s+){{0,3}}?your\s+(?:{SECRET}\s+)*"
        r"(?:instructions?|prompts?|directives?|programming)\b(?!\s+(?:for|on|about|to|how))",
        rf"\b(?:ignore|disregard|forget|override|bypass|drop)\s+(?:\w+\s+){{0,4}}?{RULES}\b",
        r"\b(?:ignore|disregard|forget)\s+(?:everything|all|what)\b.{0,40}"
        r"\b(?:above|before|told|said|previous(?:ly)?)\b",
        r"\bwhat (?:were you|have you been|did they) (?:told|instructed|tell you)\b",
        r"\b(?:repeat|print|show|output|copy)\b.{0,30}\b(?:text|words?|everything|lines?|"
        r"all)\s+(?:\w+\s+)?(?:above|before this)\b",
        r"\b(?:jailbreak|developer mode|dan mode|do anything now)\b",
        r"\byou are (?:now|no longer)\b.{0,80}",
        r"\b(?:zeig|nenn|verrate|wiederhol|ignorier|vergiss)\w*\b.{0,40}"
        r"\b(?:anweisung|instruktion|prompt|systemprompt|regeln)\w*",
        r"\b(?:deine?|ihre?)\s+(?:anweisungen|instruktionen|systemprompt|prompt)\b",
        r"\b(?:ignore[zr]?|montre[zr]?|r[eé]p[eè]te[zr]?|ignora|muestra|repite|mostra)\b"
        r".{0,40}\b(?:instruc|istruzion|instru[cç]|consignes|prompt)\w*",
    )
]


def asks_for_instructions(question: str) -> bool:
    """Say whether someone wants to see or to change what the agent was told."""
    return any(pattern.search(question) for pattern in ASKS_FOR_INSTRUCTIONS)


def without_greeting(question: str) -> str:
    """Return what is asked after a greeting."""
    return GREETING_FIRST.sub("", question, count=1) or question


def small_talk(turn: Turn) -> str | None:
    """Return the short answer to what is no question, or None."""
    say = phrases_in(turn.language)
    if asks_for_instructions(turn.question):
        return f"{say.refusal} {offer(say, turn.topics)}"
    text = addressed(turn.question.strip(EDGES), turn.agent_name)
    if not text or len(text) > LONGEST:
        return None
    for name, pattern in COMPILED.items():
        if pattern.fullmatch(text):
            return _said(name, say, turn)
    return None


def addressed(text: str, name: str) -> str:
    """Take the agent's name off the end, as in "Hello Barista"."""
    if name and text.lower().endswith(name.lower()) and len(text) > len(name):
        return text[: -len(name)].strip(EDGES)
    return text


def _said(name: str, say: Phrases, turn: Turn) -> str:
    if name in ("goodbye",):
        return say.goodbye
    first = {
        "hello": say.hello,
        "well": say.well,
        "welcome": say.welcome,
        "identity": say.identity,
        "help": say.hello,
    }[name].format(name=turn.agent_name)
    if name == "welcome":
        return first
    return f"{first} {offer(say, turn.topics)}"


def offer(say: Phrases, topics: tuple[str, ...]) -> str:
    """Say what may be asked."""
    if not topics:
        return say.ask
    return say.ask_about.format(topics=listed(topics, say.either))
