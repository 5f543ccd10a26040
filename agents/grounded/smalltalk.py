"""What is no question to the documents: greetings, thanks, asking for the prompt."""

import re

from agents.grounded.phrases import Phrases, listed, phrases_in
from agents.llm.provider import Turn

LONGEST = 80
NOT_WORDS = re.compile(r"[^\w\s'’-]+|\s+")

# What people say, without what they may say before or after it.
BEFORE = "ok, okay, great, perfect, super, cool, well, and, so, please, bitte"
AFTER = """
there, again, all, everyone, team, please, today, so much, very much, a lot,
for your help, for me, for the help, zusammen, bitte, schön, sehr, beaucoup, mille
"""
SAID = {
    "hello": """
hi, hello, hey, hiya, howdy, greetings, good morning, good afternoon, good evening,
good day, hallo, moin, servus, grüß gott, guten tag, guten morgen, guten abend,
bonjour, bonsoir, salut, hola, buenos días, buenas, buenas tardes, ciao, buongiorno,
buonasera, salve, olá, oi, bom dia, boa tarde, boa noite, hoi, goedemorgen,
goedemiddag, goedenavond, hej, hejsan, hei, god dag, god morgon, god kveld, goddag,
terve, hyvää päivää
""",
    "well": """
how are you, how are you doing, how's it going, how is it going, what's up, wie geht's,
wie geht es dir, wie geht es ihnen, ça va, comment ça va, qué tal, cómo estás,
come stai, tudo bem, hoe gaat het, hur mår du, hvordan går det, mitä kuuluu
""",
    "welcome": """
thanks, thank you, many thanks, thx, ty, cheers, danke, danke schön, vielen dank,
besten dank, merci, gracias, muchas gracias, grazie, obrigado, obrigada, bedankt,
dank je, dank u, dank je wel, dank u wel, tack, tack så mycket, tak, takk, kiitos
""",
    "goodbye": """
bye, bye bye, goodbye, good bye, see you, see you later, take care, tschüss, tschüß,
auf wiedersehen, au revoir, adiós, hasta luego, arrivederci, tchau, até logo,
tot ziens, hej då, ha det, ha det bra, farvel, näkemiin
""",
    "identity": """
who are you, what are you, what's your name, what is your name, are you a bot,
are you a robot, are you an ai, are you ai, are you human, are you a human,
are you a real person, are you a person, are you real, are you a machine,
are you a chatbot, am i talking to a human, am i talking to a bot,
am i talking to a robot, am i talking to a real person, am i speaking to a human,
wer bist du, wer sind sie, wie heißt du, wie heißen sie, bist du ein mensch,
bist du ein bot, sind sie ein mensch, sind sie ein bot, bist du ein roboter,
qui es-tu, qui êtes-vous, quién eres, chi sei, quem é você, wie ben je, wie ben jij,
vem är du, hvem er du, kuka olet
""",
    "help": """
help, help me, can you help me, can you help, could you help me, i need help,
i need some help, what can you do, how can you help, how can you help me,
what can i ask, what can i ask you, what may i ask, what do you know, hilfe,
was kannst du, was können sie, kannst du mir helfen, können sie mir helfen, aide,
ayuda, aiuto, ajuda, hjälp, hjælp, hjelp, apua
""",
}


def _listed(phrases: str) -> list[str]:
    return [phrase.strip() for phrase in phrases.split(",")]


MEANING = {phrase: kind for kind, said in SAID.items() for phrase in _listed(said)}
GREETINGS = sorted(_listed(SAID["hello"]), key=len, reverse=True)
GREETING_FIRST = re.compile(
    rf"(?<!\s)\s*+(?:{'|'.join(map(re.escape, GREETINGS))})"
    r"(?:\s++(?:there|again|all|everyone|team|zusammen))?\s*+[,!.:;–-]++\s++",
    re.IGNORECASE,
)

# Asking to see, to repeat or to drop what the agent was told.
INNER = r"(?:system|initial|original|hidden|secret|internal|developer)"
EARLIER = r"(?:previous|prior|above|earlier|preceding)"
PROMPTS = r"(?:instructions?|prompts?|directives?|programming)"
RULES = r"(?:instructions?|prompts?|directives?|guidelines|rules|programming|persona)"
TELL = (
    r"(?:reveal|show|print|repeat|recite|display|output|leak|dump|quote|share|tell me|"
    r"give me|write out|summari[sz]e|translate|paraphrase|what (?:are|is|were|was))"
)
DROP = r"(?:ignore|disregard|forget|override|bypass)"
ASKS_FOR_INSTRUCTIONS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{INNER}[ -]?(?:prompt|message|instructions?)\b",
        rf"\b(?:your|the|all|any|these|those)\s+(?:{INNER}|{EARLIER})\s+{RULES}\b",
        rf"\b{TELL}\s+(?:\w+\s+){{0,3}}?your\s+(?:\w+\s+){{0,2}}?{PROMPTS}\b"
        r"(?!\s+(?:for|on|about|to|how))",
        rf"\b{DROP}\s+(?:\w+\s+){{0,4}}?{RULES}\b",
        rf"\b{DROP}\s+(?:everything|all|what)\b.{{0,40}}"
        r"\b(?:above|before|told|said|previous(?:ly)?)\b",
        r"\bwhat (?:were you|have you been|did they) (?:told|instructed|tell you)\b",
        r"\b(?:repeat|print|show|output|copy)\b.{0,30}"
        r"\b(?:text|words?|everything|lines?|all)\s+(?:\w+\s+)?(?:above|before this)\b",
        r"\b(?:jailbreak|developer mode|dan mode|do anything now)\b",
        r"\byou are (?:now|no longer) (?:an?|my|in|not|called|bound|dan)\b",
        r"\b(?:zeig|nenn|verrate|wiederhol|ignorier|vergiss)\w*\b.{0,40}"
        r"\b(?:anweisung|instruktion|prompt|systemprompt|regeln)\w*",
        r"\b(?:deine|ihre)\s+(?:anweisungen|instruktionen|systemprompt|prompts?)\b",
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
    meaning = meaning_of(turn.question, turn.agent_name)
    if meaning in ("welcome", "goodbye"):
        return getattr(say, meaning)
    if meaning is None:
        return None
    first = {"well": say.well, "identity": say.identity}.get(meaning, say.hello)
    return f"{first.format(name=turn.agent_name)} {offer(say, turn.topics)}"


def meaning_of(text: str, name: str = "") -> str | None:
    """Recognize small talk, whatever polite words stand around it."""
    words = NOT_WORDS.sub(" ", text[: 2 * LONGEST].lower().replace("’", "'")).strip()
    if len(words) > LONGEST:
        return None
    after = [name.lower(), *_listed(AFTER)]
    while words and words not in MEANING:
        shorter = _without(words, after, _listed(BEFORE) + GREETINGS)
        if shorter == words:
            return None
        words = shorter
    return MEANING.get(words)


def _without(words: str, after: list[str], before: list[str]) -> str:
    """Take one word or name off either end."""
    for phrase in after:
        if phrase and words.endswith(f" {phrase}"):
            return words.removesuffix(phrase).strip()
    for phrase in before:
        if words.startswith(f"{phrase} "):
            return words.removeprefix(phrase).strip()
    return words


def offer(say: Phrases, topics: tuple[str, ...]) -> str:
    """Say what may be asked."""
    if not topics:
        return say.ask
    return say.ask_about.format(topics=listed(topics, say.either))
