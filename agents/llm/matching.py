"""Find the sentences that answer a question, and tell when none does."""

import re
from collections import Counter
from dataclasses import dataclass, field

from agents.knowledge.chunks import LIST_ITEM, PATH_SEPARATOR
from agents.knowledge.search import Passage
from agents.knowledge.sentences import split_sentences
from agents.knowledge.words import alike, stems

# How far the question's words must be covered, by weight: by a sentence with what
# stands over it. More when one of them stands in no passage at all, as then the
# question is probably about something else.
ENOUGH, ENOUGH_WITH_UNKNOWN = 0.6, 0.76
STRONG, COMMON, WEAK = 1.0, 0.6, 0.25
IN_SENTENCE, IN_HEADING, NEARBY = 1.0, 0.9, 0.5
AS_ALIKE = 0.85

# Words of questions that say little of what a question is about, as stems.
FILLERS = {
    "english": frozenset(
        """
        abl actual also ani anyth ask back best come could everyth exact explain find
        get give go got happen hello help hey hi inform know let like long look make
        mani may mean might much must need number often one pleas possibl question
        quick realli regard say see should show someth soon still sure take tell thank
        thing think tri understand use usual want way wonder work would yes you
        """.split()
    ),
    "german": frozenset(
        """
        bekomm bitt brauch dank darf dauert dau eigent find frag geb geht genau gern
        gibt hallo hilf info koenn könn lang mach mocht möcht muss sag schon soll
        viel weiss welch wiss woll wurd würd
        """.split()
    ),
}

TIMES = re.compile(
    r"\d[\d\s.,–-]*(?:\w+\s+)?(?:second|minute|hour|day|week|month|year|sekund|minut|"
    r"stund|tag|woch|monat|jahr|jour|heure|semaine|mois|día|hora|semana|dag|uur|timm)|"
    r"\d\s*(?:a\.?m|p\.?m|uhr|o'clock)\b|\d:\d\d|same day|next day|immediately|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag",
    re.IGNORECASE,
)
MONEY = re.compile(
    r"[€$£¥]\s*\d|\d\s*(?:[€$£¥%]|eur|usd|gbp|chf|euro|dollar|pound|cent|kr\b)|\bfree\b|"
    r"\bkostenlos|\bgratis\b|\bgratuit",
    re.IGNORECASE,
)
REACH = re.compile(
    r"\S+@\S+\.\w+|\+?\d[\d\s/()-]{6,}\d|https?://|\bwww\.", re.IGNORECASE
)
KINDS = (
    (
        re.compile(
            r"\b(?:how (?:long|soon|fast|quick(?:ly)?|often|many (?:days|weeks|hours))|"
            r"when|what time|until when|wie lange|wann|bis wann|wie schnell|quand|"
            r"cu[aá]ndo|quando|wanneer)\b",
            re.IGNORECASE,
        ),
        TIMES,
    ),
    (
        re.compile(
            r"\b(?:how much|what does .* cost|price|fee|cost|wie ?viel|kostet|kosten|"
            r"preis|combien|cu[aá]nto|quanto|hoeveel)\b",
            re.IGNORECASE,
        ),
        MONEY,
    ),
    (
        re.compile(
            r"\b(?:contact|e-?mail|phone|reach|call|kontakt|erreich\w*|telefon)\b",
            re.IGNORECASE,
        ),
        REACH,
    ),
)
KIND_BONUS = 0.2


@dataclass
class Sentence:
    """A sentence of a passage, with all its reader knows by then."""

    text: str
    passage: int
    place: int
    lead: str = ""
    is_item: bool = False
    words: set[str] = field(default_factory=set)
    before: set[str] = field(default_factory=set)
    heading: set[str] = field(default_factory=set)
    score: float = 0.0
    own: float = 0.0
    coverage: float = 0.0


@dataclass
class Asked:
    """One question's words: what each weighs, and what may stand for it."""

    text: str
    weights: dict[str, float]
    alike: dict[str, set[str]]
    # Words of the conversation before; they help to choose, and nothing more.
    context: set[str] = field(default_factory=set)

    @property
    def total(self) -> float:
        return sum(self.weights.values())

    def strength(self, word: str, among: set[str]) -> float:
        """Say how well a set of words has this one: itself, or one like it."""
        if word in among:
            return 1.0
        return AS_ALIKE if self.alike.get(word, set()) & among else 0.0


class Reading:
    """Passages read sentence by sentence, ready to be asked."""

    def __init__(self, passages: tuple[Passage, ...], language: str) -> None:
        self.passages = passages
        self.language = language
        self.sentences = [
            sentence
            for number, passage in enumerate(passages)
            for sentence in sentences_of(passage, number)
        ]
        headings = [f"{passage.title} {passage.heading}" for passage in passages]
        found = stems(language, [each.text for each in self.sentences] + headings)
        self.headings = found[len(self.sentences) :]
        for index, sentence in enumerate(self.sentences):
            sentence.words = found[index]
            sentence.heading = self.headings[sentence.passage]
            previous = self.sentences[index - 1] if index else None
            if previous and previous.passage == sentence.passage:
                sentence.before = previous.words
        # In how many passages each word stands.
        self.spread: Counter[str] = Counter()
        for number, heading in enumerate(self.headings):
            mine = [each.words for each in self.sentences if each.passage == number]
            self.spread.update(heading.union(*mine))

    def ask(self, question: str, context: str = "") -> Asked:
        """Weigh the words of a question; `context` is the question before it."""
        words, context_words = stems(self.language, [question, context])
        fillers = FILLERS.get(self.language, frozenset())
        weights = {word: self._weight(word, fillers) for word in words}
        if context_words and not any(weight > WEAK for weight in weights.values()):
            # "How much is it?": the question before says what about.
            weights |= {word: self._weight(word, fillers) for word in context_words}
        return Asked(
            question, weights, alike(self.language, set(weights)), context_words
        )

    def _weight(self, word: str, fillers: frozenset[str]) -> float:
        if word in fillers or word.isdigit():
            return WEAK
        is_common = (
            len(self.passages) >= 4 and self.spread[word] > len(self.passages) / 2
        )
        return COMMON if is_common else STRONG

    def rank(self, asked: Asked) -> list[Sentence]:
        """Score every sentence, best first."""
        wanted = [sought for asks, sought in KINDS if asks.search(asked.text)]
        for sentence in self.sentences:
            self._score(sentence, asked, wanted)
        return sorted(
            self.sentences,
            key=lambda each: (-each.score, each.passage, each.place),
        )

    def _score(
        self, sentence: Sentence, asked: Asked, wanted: list[re.Pattern[str]]
    ) -> None:
        total = asked.total or 1.0
        own = covered = 0.0
        for word, weight in asked.weights.items():
            inside = IN_SENTENCE * asked.strength(word, sentence.words)
            above = IN_HEADING * asked.strength(word, sentence.heading)
            near = NEARBY * asked.strength(word, sentence.before)
            own += weight * inside
            covered += weight * max(inside, above, near)
        sentence.own, sentence.coverage = own / total, covered / total
        sentence.score = sentence.coverage + 0.3 * sentence.own
        if any(sought.search(sentence.text) for sought in wanted):
            sentence.score += KIND_BONUS
        if asked.context:
            shared = len(asked.context & (sentence.words | sentence.heading))
            sentence.score += 0.3 * shared / len(asked.context)
        # Search has weighed rare words over the whole pack; it breaks ties.
        sentence.score -= 0.02 * sentence.passage

    def is_answer(self, sentence: Sentence, asked: Asked) -> bool:
        """Say whether a sentence covers the question well enough to answer it."""
        strong = {word for word, weight in asked.weights.items() if weight > WEAK}
        if not strong:
            return False
        last_heading = self.last_heading(sentence)
        touched = any(
            asked.strength(word, sentence.words | last_heading) for word in strong
        )
        unknown = any(not asked.strength(word, set(self.spread)) for word in strong)
        enough = ENOUGH_WITH_UNKNOWN if unknown else ENOUGH
        return touched and sentence.coverage >= enough

    def last_heading(self, sentence: Sentence) -> set[str]:
        """Return the words of the heading right above a sentence."""
        passage = self.passages[sentence.passage]
        last = passage.heading.split(PATH_SEPARATOR)[-1] or passage.title
        return stems(self.language, [last])[0]


def sentences_of(passage: Passage, number: int) -> list[Sentence]:
    """Split a passage; list items know the sentence that introduces them."""
    found: list[Sentence] = []
    lead = ""
    for line in passage.text.split("\n"):
        if match := LIST_ITEM.match(line):
            item = line[match.end() :].strip()
            if item:
                found.append(Sentence(item, number, len(found), lead, is_item=True))
            continue
        for text in split_sentences(line):
            found.append(Sentence(text, number, len(found)))
        lead = found[-1].text if found and found[-1].text.endswith(":") else ""
    return found
