"""Words as search compares them: PostgreSQL's stems, and words alike."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from django.db import connection

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


# Written without spaces between words, or with endings stuck to them: PostgreSQL would
# take a whole clause for one word. Every two neighbours are one instead.
UNSPACED = re.compile(
    "[々〆ぁ-ゖァ-ヺー\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0002fa1f]+"
)
UNSTEMMED = {"chinese", "japanese", "korean"}


def configuration_of(language: str) -> str:
    """Return the name of PostgreSQL's text search configuration for a language."""
    return "simple" if language in UNSTEMMED else language


def spaced(text: str) -> str:
    """Write Chinese, Japanese and Korean in pairs of characters, as if words."""
    if not UNSPACED.search(text):
        return text
    return UNSPACED.sub(_pairs, unicodedata.normalize("NFKC", text))


def _pairs(run: re.Match[str]) -> str:
    signs = run[0]
    pairs = map("".join, pairwise(signs))
    return f" {' '.join(pairs) or signs} "


def in_one_word(language: str, question: str) -> str:
    """Replace phrases of the question by the one word that stands for each."""
    if language == "english":
        for phrase, word in IN_ONE_WORD:
            question = phrase.sub(word, question)
    return question


def stems(language: str, texts: Iterable[str]) -> list[set[str]]:
    """Return the meaningful words of each text as PostgreSQL stems them."""
    texts = [spaced(text) for text in texts]
    if not texts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector(%s::regconfig, text))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS given (text, place)"
            " ORDER BY place",
            [configuration_of(language), texts],
        )
        return [set(row[0]) for row in cursor.fetchall()]


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
