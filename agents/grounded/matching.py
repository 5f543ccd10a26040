"""Find the sentences that answer a question, and tell when none does."""

from collections import Counter
from dataclasses import dataclass, field

from agents.grounded.answer_types import Kind, kinds_of
from agents.grounded.stop_words import FILLERS, NUMBERS
from agents.knowledge.blocks import PATH_SEPARATOR
from agents.knowledge.formatting import LIST_ITEM
from agents.knowledge.retrieval import query_rewriting
from agents.knowledge.retrieval.lexical import alike, in_one_word, stems
from agents.knowledge.sentences import split_sentences
from agents.llm.provider import Passage
from agents.models.knowledge import Language

# How far the question's words must be covered, by weight: by a sentence with what
# stands over it. More when one of them stands in no passage at all, as then the
# question is probably about something else.
ENOUGH, ENOUGH_WITH_UNKNOWN = 0.67, 0.74
# What is said beside a question is answered only if it is surely meant.
ENOUGH_FOR_STATEMENT = 0.85
STRONG, COMMON, NUMBER, WEAK = 1.0, 0.6, 0.3, 0.1
# What the question before adds, when this one leans on it.
LEANING = 0.5
IN_HEADING, NEARBY, AS_ALIKE = 0.9, 0.5, 0.75
OWN_BONUS, HEADING_BONUS, CONTEXT_BONUS, LEADS_BONUS = 0.3, 0.2, 0.2, 0.05
# For an answer of the kind that is wanted, and for each more of its marks.
KIND_BONUS, MARK_BONUS, MOST_MARKS = 0.2, 0.1, 3
# A heading that is the very question beats every other sentence.
SAME_QUESTION = 0.5
IS_THE_QUESTION = 0.75
# Search has weighed rare words over the whole pack; it breaks ties.
LATER_PASSAGE = 0.02
LEADING_WORDS = 3


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
    last_heading: set[str] = field(default_factory=set)
    # Of the heading right above: does it ask, and which of its words say little?
    is_under_question: bool = False
    heading_fillers: set[str] = field(default_factory=set)
    leads: set[str] = field(default_factory=set)
    # What looks like an answer of the kind that is wanted.
    marks: set[str] = field(default_factory=set)
    looks: int = 0
    own: float = 0.0
    coverage: float = 0.0
    score: float = 0.0


@dataclass
class Asked:
    """One question's words: what each weighs, and what may stand for it."""

    weights: dict[str, float]
    alike: dict[str, set[str]]
    kinds: list[Kind]
    # Words of the question before; they help to choose, and nothing more.
    context: set[str] = field(default_factory=set)
    # No sentence, just what it is about.
    is_keyword: bool = False

    @property
    def total(self) -> float:
        return sum(self.weights.values()) or 1.0

    @property
    def strong(self) -> set[str]:
        return {
            word
            for word, weight in self.weights.items()
            if weight > WEAK and not is_number(word)
        }

    def strength(self, word: str, among: set[str]) -> float:
        """Say how well a set of words has this one: itself, or one like it."""
        if word in among:
            return 1.0
        return AS_ALIKE if self.alike.get(word, set()) & among else 0.0

    def share(self, among: set[str]) -> float:
        """Say how much of the question, by weight, a set of words has."""
        found = sum(
            weight * self.strength(word, among) for word, weight in self.weights.items()
        )
        return found / self.total

    def is_heading(self, sentence: "Sentence") -> bool:
        """Say whether the heading above a sentence asks just this question."""
        heading = sentence.last_heading
        return (
            sentence.is_under_question
            and bool(heading & self.strong)
            and heading - self.strong <= sentence.heading_fillers
            and self.share(heading) >= IS_THE_QUESTION
        )


def is_number(word: str) -> bool:
    return word.isdigit() or word in NUMBERS


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
        self._stem()
        # In how many passages each word stands.
        self.spread: Counter[str] = Counter()
        for number in range(len(passages)):
            mine = [each for each in self.sentences if each.passage == number]
            self.spread.update(
                set().union(*(each.words | each.heading for each in mine))
            )

    def _stem(self) -> None:
        """Ask for the words of everything at once."""
        headings = [f"{each.title} {each.heading}" for each in self.passages]
        lasts = [own_heading(each) for each in self.passages]
        texts = [each.text for each in self.sentences]
        leads = [" ".join(text.split()[:LEADING_WORDS]) for text in texts]
        found = iter(stems(self.language, [*texts, *leads, *headings, *lasts]))
        for sentence in self.sentences:
            sentence.words = next(found)
        for sentence in self.sentences:
            sentence.leads = next(found)
        above = list(found)
        previous: Sentence | None = None
        for sentence in self.sentences:
            sentence.heading = above[sentence.passage]
            sentence.last_heading = above[len(headings) + sentence.passage]
            sentence.is_under_question = query_rewriting.asks(lasts[sentence.passage])
            sentence.heading_fillers = {
                word for word in sentence.last_heading if self.is_filler(word)
            }
            if previous and previous.passage == sentence.passage:
                sentence.before = previous.words
            previous = sentence

    def ask(self, question: str, subject: str = "", *, leans: bool = True) -> Asked:
        """Weigh the words of a question.

        `subject` is a question before it. One that leans on it ("How much is it?")
        is about the words of both; any other is just better placed by them.
        """
        given = [in_one_word(self.language, text) for text in (question, subject)]
        words, context = stems(self.language, given)
        weights = {word: self._weight(word) for word in words}
        if leans:
            for word in context - words:
                weights[word] = LEANING * self._weight(word)
        return Asked(
            weights,
            alike(self.language, set(weights)),
            kinds_of(question) or (kinds_of(subject) if leans else []),
            {word for word in context - words if self._weight(word) > WEAK},
            len(question.split()) <= 2,
        )

    def _weight(self, word: str) -> float:
        if is_number(word):
            return NUMBER if self.spread[word] else WEAK
        if self.is_filler(word):
            return WEAK
        many = len(self.passages) >= 4
        is_common = many and self.spread[word] > len(self.passages) / 2
        return COMMON if is_common else STRONG

    def is_filler(self, word: str) -> bool:
        is_short = self.language == Language.SIMPLE and len(word) < 3
        return is_short or word in FILLERS.get(self.language, ())

    def rank(self, asked: Asked, at_least: float = 0.0) -> list[Sentence]:
        """Return the sentences that answer a question, best first."""
        for sentence in self.sentences:
            self._match(sentence, asked)
            sentence.score = score(sentence, asked)
        answers = [
            each
            for each in self.sentences
            if each.coverage >= at_least and self.is_answer(each, asked)
        ]
        return sorted(answers, key=lambda each: (-each.score, each.passage, each.place))

    def _match(self, sentence: Sentence, asked: Asked) -> None:
        """Compare one sentence, and what stands around it, with the question."""
        looks = [kind for kind in asked.kinds if kind.answer.search(sentence.text)]
        meant = frozenset().union(*(kind.means for kind in looks))
        own = covered = 0.0
        for word, weight in asked.weights.items():
            inside = 1.0 if word in meant else asked.strength(word, sentence.words)
            above = IN_HEADING * asked.strength(word, sentence.heading)
            near = NEARBY * asked.strength(word, sentence.before)
            own += weight * inside if weight > WEAK else 0.0
            covered += weight * max(inside, above, near)
        sentence.looks = len(looks)
        sentence.marks = set().union(*(kind.seen_in(sentence.text) for kind in looks))
        sentence.own, sentence.coverage = own / asked.total, covered / asked.total

    def is_answer(self, sentence: Sentence, asked: Asked) -> bool:
        """Say whether a sentence covers the question well enough to answer it."""
        strong = asked.strong
        looks_wrong = any(
            kind.is_required and not kind.answer.search(sentence.text)
            for kind in asked.kinds
        )
        if not strong or looks_wrong:
            return False
        meant = frozenset().union(*(kind.means for kind in asked.kinds))
        near = sentence.words | sentence.last_heading
        if sentence.looks:
            near |= sentence.heading
        touched = any(asked.strength(word, near) for word in strong)
        everywhere = set(self.spread)
        unknown = any(not asked.strength(word, everywhere) for word in strong - meant)
        enough = ENOUGH_WITH_UNKNOWN if unknown else ENOUGH
        return (touched or strong <= meant) and sentence.coverage >= enough


def score(sentence: Sentence, asked: Asked) -> float:
    """Rate a sentence that was compared with the question."""
    marks = min(len(sentence.marks), MOST_MARKS)
    around = sentence.words | sentence.heading
    context = len(asked.context & around) / max(1, len(asked.context))
    return (
        sentence.coverage
        + OWN_BONUS * sentence.own
        + HEADING_BONUS * asked.share(sentence.last_heading)
        + SAME_QUESTION * asked.is_heading(sentence)
        + KIND_BONUS * sentence.looks
        + MARK_BONUS * max(0, marks - 1) * any(k.is_required for k in asked.kinds)
        + CONTEXT_BONUS * context
        + LEADS_BONUS * bool(asked.strong & sentence.leads)
        - LATER_PASSAGE * sentence.passage
    )


def own_heading(passage: Passage) -> str:
    """Return the heading right above a passage, if it says more than the title."""
    last = passage.heading.split(PATH_SEPARATOR)[-1]
    return "" if last == passage.title else last


def sentences_of(passage: Passage, number: int) -> list[Sentence]:
    """Split a passage; list items know the sentence that introduces them."""
    found: list[Sentence] = []
    lead = ""
    for line in passage.text.split("\n"):
        if match := LIST_ITEM.match(line):
            if item := line[match.end() :].strip():
                found.append(Sentence(item, number, len(found), lead, is_item=True))
            continue
        for text in split_sentences(line):
            found.append(Sentence(text, number, len(found)))
        lead = found[-1].text if found and found[-1].text.endswith(":") else ""
    return found
