"""Words as search compares them: PostgreSQL's stems, and words alike."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from django.db import connection

from agents.knowledge.retrieval.normalization import normalized
from agents.knowledge.retrieval.words import RUNS, words_in
from agents.models.knowledge import STEMMED

# Words visitors use for one another. Each line becomes a group of stems.
ALIKE = {
    "english": """
ship shipping shipped shipment deliver delivery delivered dispatch dispatched
parcel package order shipment delivery
arrive arrival delivered deliver
return returns returned returning refund refunds refunded
refund refunds refunded reimburse reimbursed
cancel cancellation cancelled withdraw revoke
price prices cost costs fee fees charge charges pay
pay payment payments paid
cheaper discount discounts coupon voucher promotion save percent
buy bought purchase purchased order
broken damaged defective faulty damage defect
open opening hours closed
phone telephone call
contact reach email mail write
guarantee warranty
subscription subscribe subscribed subscriber
store storage keep kept
located location shop store
delete remove erase
employee staff team
weight weigh heavy
decaf decaffeinated
free gratis
exchange swap replace replacement
late delayed delay
wholesale bulk
contain contains ingredient ingredients
lend loan loaned lent borrow rent rental
hire hiring job jobs career careers vacancy
allergy allergies allergic allergen allergens
""",
    "german": """
versand lieferung liefern geliefert zustellung sendung versenden verschicken
paket sendung lieferung bestellung
rückgabe rücksendung retoure zurückgeben zurückschicken zurücksenden umtausch
erstattung erstatten rückerstattung rückgabe
preis kosten kostet gebühr
geöffnet öffnungszeiten offen
kontakt erreichen schreiben mail
telefon anrufen
kündigen kündigung abbestellen
kaputt beschädigt defekt
laden geschäft filiale
rabatt gutschein ermäßigung
kostenlos gratis
adresse standort anschrift
""",
}

# What is said in two words where documents have one.
IN_ONE_WORD = [
    (re.compile(rf"\b{phrase}\b", re.IGNORECASE), word)
    for phrase, word in (
        (r"(?:send|bring|give|take|ship)(?:ing)?\s+(?:\w+\s+){0,3}?back", "return"),
        (r"money\s+back", "refund"),
        (r"(?:get|gets|be|is)\s+here", "arrive"),
        (r"log(?:ging)?\s+in", "login"),
    )
]


DIGIT = re.compile(r"\d")
# PostgreSQL keeps no more places of one lexeme.
MOST_PLACES = 255
# Stems that were asked for, by language; "" stands for a word that says nothing.
KNOWN: dict[str, dict[str, str]] = {}
MOST_KNOWN = 50_000
# One dictionary, whatever PostgreSQL's locale: it stems a word, or drops it. Where it
# is missing (Estonian before PostgreSQL 18) words stay as they are.
STEMS = """
SELECT coalesce(ts_lexize(known.oid::regdictionary, word), ARRAY[word])
FROM unnest(%s::text[]) WITH ORDINALITY AS given (word, place)
LEFT JOIN pg_ts_dict AS known
ON dictname = %s AND dictnamespace = 'pg_catalog'::regnamespace
ORDER BY place
"""
# As passages were indexed that nobody has indexed anew yet (`WORDS_VERSION`).
FORMERLY = "SELECT tsvector_to_array(to_tsvector(%s::regconfig, %s))"
FORMER_LANGUAGES = frozenset(
    """
    danish dutch english finnish french german italian norwegian portuguese spanish
    swedish
    """.split()
)


def in_one_word(language: str, question: str) -> str:
    """Replace phrases of the question by the one word that stands for each."""
    if language == "english":
        for phrase, word in IN_ONE_WORD:
            question = phrase.sub(word, question)
    return question


def stems(language: str, texts: Iterable[str]) -> list[set[str]]:
    """Return the meaningful words of each text, stemmed."""
    found = [words_in(text, language) for text in texts]
    stem = stemmer(language, found)
    return [
        {stem[form] for forms in words for form in forms if stem[form]}
        for words in found
    ]


def former_stems(language: str, text: str) -> set[str]:
    """Return a text's words as those passages have them that are not indexed anew."""
    configuration = language if language in FORMER_LANGUAGES else "simple"
    with connection.cursor() as cursor:
        cursor.execute(FORMERLY, [configuration, text])
        words = cursor.fetchone()[0]
    # Those were told apart in pairs even then.
    return {word for word in words if not RUNS.search(word)}


def search_vectors(
    language: str, passages: Sequence[Sequence[tuple[str, str]]]
) -> list[str]:
    """Return for each passage what finds it, as PostgreSQL writes a tsvector.

    A passage is given as its parts, each a text and its weight (A to D).
    """
    split = [
        [(words_in(text, language), weight) for text, weight in parts]
        for parts in passages
    ]
    stem = stemmer(language, (words for parts in split for words, _ in parts))
    return [_search_vector(parts, stem) for parts in split]


def _search_vector(
    parts: Iterable[tuple[list[list[str]], str]], stem: Mapping[str, str]
) -> str:
    places: dict[str, list[str]] = {}
    place = 0
    for words, weight in parts:
        for forms in words:
            place += 1
            for lexeme in {stem[form] for form in forms} - {""}:
                places.setdefault(lexeme, []).append(f"{place}{weight}")
    return " ".join(
        f"{quoted(lexeme)}:{','.join(each[:MOST_PLACES])}"
        for lexeme, each in places.items()
    )


def quoted(lexeme: str) -> str:
    """Quote a lexeme as PostgreSQL writes it in a tsvector or a query."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def stemmer(language: str, texts: Iterable[list[list[str]]]) -> Mapping[str, str]:
    """Return the stem of each word, "" of one that says nothing.

    What is not known yet is asked for at once.
    """
    words = {form for text in texts for forms in text for form in forms}
    if language not in STEMMED:
        return {word: word for word in words}
    known = KNOWN.setdefault(language, {})
    # Another thread may begin it afresh at any moment.
    stored = {word: known.get(word) for word in words}
    found = {word: stem for word, stem in stored.items() if stem is not None}
    # A code or a number has no stem.
    new = {word for word in words - found.keys() if not DIGIT.search(word)}
    found |= {word: word for word in words - found.keys() - new}
    if new:
        asked = _asked_for(language, sorted(new))
        if len(known) + len(asked) > MOST_KNOWN:
            known.clear()
        known.update(asked)
        found |= asked
    return found


def _asked_for(language: str, words: list[str]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(STEMS, [words, f"{language}_stem"])
        rows = [row[0] for row in cursor.fetchall()]
    found = {}
    for word, lexemes in zip(words, rows, strict=True):
        stem = normalized(lexemes[0]) if lexemes else ""
        # Turkish has two letters, which others type as one.
        found[word] = stem.replace("\u0131", "i") if language == "turkish" else stem
    return found


def alike(language: str, words: set[str]) -> dict[str, set[str]]:
    """Return the other stems that may stand for each word."""
    found = {}
    for word in words:
        groups = (group for group in groups_of(language) if word in group)
        if others := set().union(*groups) - {word}:
            found[word] = others
    return found


@lru_cache(maxsize=len(ALIKE))
def groups_of(language: str) -> list[set[str]]:
    return stems(language, ALIKE.get(language, "").strip().splitlines())
