"""Find where sentences end, in any language that marks them."""

import re

# What a full stop may follow without ending a sentence.
ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof st jr sr vs etc e.g i.e eg ie no nos fig approx inc ltd co
    dept est min max tel ext vol pp cf incl excl art sec jan feb mar apr jun jul
    aug sep sept oct nov dec mon tue wed thu fri sat sun u.s u.k
    z.b d.h u.a o.ä ca bzw usw evtl ggf inkl zzgl nr str abs mind vgl
    p.ex av env p.ej sra dña ud uds bl.a m.m t.ex
    """.split()
)
END = re.compile(
    r"(?<![.!?…؟۔।॥።។])[.!?…؟۔।॥።។]++[\"'”’»)\]]*+(?=\s)|[。！？]++[”’」』）]*+"
)
BEFORE_WORD = re.compile(r"[\s(\[\"'“„/]")
OPENERS = "\"'“‘„«([¿¡*_"
HALF_OF_DAY = re.compile(r"\d\s*[ap]\.?m\Z", re.IGNORECASE)
BELONGS_TO_TIME = re.compile(
    r"(?:Eastern|Central|Mountain|Pacific|Greenwich|London|Berlin|[A-Z]{3,4}\b|"
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)"
)
MONTHS = re.compile(
    r"(?:jan|feb|m[aä]r|apr|ma[iyj]|jun|jul|aug|sep|o[ck]t|nov|de[cz])", re.IGNORECASE
)


def split_sentences(text: str) -> list[str]:
    """Return the sentences of one paragraph, in order, without their margins."""
    found, start = [], 0
    for match in END.finditer(text):
        if _ends_a_sentence(text, match):
            found.append(text[start : match.end()].strip())
            start = match.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _ends_a_sentence(text: str, match: re.Match[str]) -> bool:
    if match[0][0] in "。！？":
        return True
    rest = text[match.end() : match.end() + 40].lstrip()
    following = rest.lstrip(OPENERS)[:1]
    if not following or following.islower():
        return False
    if match[0] != ".":
        return True
    before = text[max(0, match.start() - 20) : match.start()]
    word = BEFORE_WORD.split(before)[-1]
    if word.isdigit() and len(word) <= 2 and MONTHS.match(rest):
        return False
    if HALF_OF_DAY.search(before) and BELONGS_TO_TIME.match(rest):
        return False
    # "J. R. Miller", "z. B."
    is_initial = len(word) == 1 and word.isalpha()
    return not is_initial and word.lower() not in ABBREVIATIONS
