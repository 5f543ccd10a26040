"""Words as search compares them: PostgreSQL's stems, and English words alike."""

from collections.abc import Iterable

from django.db import connection

# Words visitors use for one another. Each line becomes a group of stems.
ALIKE_IN_ENGLISH = """
ship shipping shipped shipment deliver delivery delivered dispatch dispatched postage
parcel package order
return returns returned returning refund refunds refunded
cancel cancellation cancelled withdraw revoke
price prices cost costs fee fees charge charges pay
pay payment payments paid paypal card invoice
cheap cheaper discount discounts coupon voucher promotion
buy bought purchase purchased
broken damaged defective faulty damage defect
open opening hours closed
contact phone telephone call email mail reach
guarantee warranty
subscription subscribe subscribed subscriber
store shop
store storage keep kept
located location address
password login sign-in
account profile
delete remove erase
employee staff team
size weight dimensions
caffeine decaf decaffeinated
vegan dairy-free plant-based
free gratis
exchange swap replace replacement
late delayed delay
wholesale bulk business
""".strip().splitlines()

_groups: list[set[str]] = []


def stems(language: str, texts: Iterable[str]) -> list[set[str]]:
    """Return the meaningful words of each text as PostgreSQL stems them."""
    texts = list(texts)
    if not texts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector(%s::regconfig, text))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS given (text, place)"
            " ORDER BY place",
            [language, texts],
        )
        return [set(row[0]) for row in cursor.fetchall()]


def alike(language: str, words: set[str]) -> dict[str, set[str]]:
    """Return the other stems that may stand for each word."""
    if language != "english":
        return {}
    if not _groups:
        _groups.extend(stems("english", ALIKE_IN_ENGLISH))
    found = {}
    for word in words:
        others = set().union(*(group for group in _groups if word in group)) - {word}
        if others:
            found[word] = others
    return found
