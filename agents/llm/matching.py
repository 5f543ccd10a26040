"""Find the sentences that answer a question, and tell when none does."""

from collections import Counter
from dataclasses import dataclass, field

from agents.knowledge.chunks import LIST_ITEM, PATH_SEPARATOR
from agents.knowledge.search import Passage
from agents.knowledge.sentences import split_sentences
from agents.knowledge.words import alike, in_one_word, stems
from agents.llm.kinds import Kind, kinds_of
from agents.models.knowledge import Language

# How far the question's words must be covered, by weight: by a sentence with what
# stands over it. More when one of them stands in no passage at all, as then the
# question is probably about something else.
ENOUGH, ENOUGH_WITH_UNKNOWN = 0.67, 0.76
STRONG, COMMON, WEAK = 1.0, 0.6, 0.1
# What the question before adds, when this one leans on it.
LEANING = 0.5
IN_HEADING, NEARBY, AS_ALIKE = 0.9, 0.5, 0.75
OWN_BONUS, HEADING_BONUS, KIND_BONUS, BRIEF_BONUS = 0.3, 0.2, 0.2, 0.05
# A heading that is the very question beats every other sentence.
SAME_QUESTION = 0.5
IS_THE_QUESTION = 0.75
# Search has weighed rare words over the whole pack; it breaks ties.
LATER_PASSAGE = 0.02

# Words of questions that say little of what a question is about, as stems. Where
# the language is not known nothing is stemmed, and nothing left out before.
FILLERS = {
    "simple": frozenset(
        """
        about and any are can could das del der des did die dies does een een est for
        from get give has have het how ich ist las les long los make many may much need
        next our pour qual quand que qui see should sie some take tell that the their
        there they this und use van von was wat what when where which who why wie will
        with would you your
        """.split()
    ),
    "english": frozenset(
        """
        abl accept actual ad also ani anyth anyon ask avail back best bit bring come
        condit could detail differ dont either els ever everi everyth exact explain fast
        find first follow get give go good got happen hello help hey hi info inform
        instruct item kind know let like long look lot made make mani may mayb mean
        method might mine much must need new noth number offer often okay one option
        pleas polici possibl problem process product provid put question quick realli
        receiv regard right rule run say see sell send servic show simpl someon someth
        soon start still stuff sure take tell thank thing think time today tri type
        understand usual valu via want way welcom well whether wish wonder work would
        yes yet
        """.split()
    ),
    "german": frozenset(
        """
        anbiet angebot bekomm bitt brauch dank darf dauert dau eigent find frag geb geht
        genau gern gibt hallo hatt hilf info information koenn könn kann kauf lang mach
        mocht möcht muss sag schon soll tun verkauf viel weiss weiß welch wer wiss woll
        wurd würd
        """.split()
    ),
}


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
    looks: int = 0
    own: float = 0.0
    coverage: float = 0.0
    score: float = 0.0


@dataclass
class Asked:
    """One question's words: what each weighs, and what may stand for it."""

    text: str
    weights: dict[str, float]
    alike: dict[str, set[str]]
    kinds: list[Kind]
    # Words of the question before; they help to choose, and nothing more.
    context: set[str] = field(default_factory=set)

    @property
    def total(self) -> float:
        return sum(self.weights.values()) or 1.0

    @property
    def strong(self) -> set[str]:
        return {word for word, weight in self.weights.items() if weight > WEAK}

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

    def is_heading(self, heading: set[str]) -> bool:
        """Say whether a heading asks the same: its words are the question's."""
        mine = heading & set(self.weights)
        return (
            len(mine) >= max(2, IS_THE_QUESTION * len(heading))
            and self.share(heading) >= IS_THE_QUESTION
        )


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
        found = stems(self.language, [*texts, *headings, *lasts])
        above = found[len(texts) :]
        previous: Sentence | None = None
        for sentence, words in zip(self.sentences, found, strict=False):
            sentence.words = words
            sentence.heading = above[sentence.passage]
            sentence.last_heading = above[len(headings) + sentence.passage]
            if previous and previous.passage == sentence.passage:
                sentence.before = previous.words
            previous = sentence

    def ask(self, question: str, subject: str = "") -> Asked:
        """Weigh the words of a question; `subject` is the one it leans on."""
        given = [in_one_word(self.language, text) for text in (question, subject)]
        words, context = stems(self.language, given)
        weights = {word: self._weight(word) for word in words}
        kinds = kinds_of(question) or kinds_of(subject)
        if subject:
            # "How much is it?": the question before says what about.
            for word in context - words:
                weights[word] = LEANING * self._weight(word)
        return Asked(
            question, weights, alike(self.language, set(weights)), kinds, context
        )

    def _weight(self, word: str) -> float:
        is_short = self.language == Language.SIMPLE and len(word) < 3
        if is_short or word.isdigit() or word in FILLERS.get(self.language, ()):
            return WEAK
        many = len(self.passages) >= 4
        is_common = many and self.spread[word] > len(self.passages) / 2
        return COMMON if is_common else STRONG

    def rank(self, asked: Asked) -> list[Sentence]:
        """Return the sentences that answer a question, best first."""
        for sentence in self.sentences:
            self._score(sentence, asked)
        answers = [each for each in self.sentences if self.is_answer(each, asked)]
        return sorted(answers, key=lambda each: (-each.score, each.passage, each.place))

    def _score(self, sentence: Sentence, asked: Asked) -> None:
        looks = [kind for kind in asked.kinds if kind.answer.search(sentence.text)]
        meant = frozenset().union(*(kind.means for kind in looks))
        own = covered = 0.0
        for word, weight in asked.weights.items():
            inside = asked.strength(word, sentence.words)
            if word in meant:
                inside = 1.0
            above = IN_HEADING * asked.strength(word, sentence.heading)
            near = NEARBY * asked.strength(word, sentence.before)
            own += weight * inside if weight > WEAK else 0.0
            covered += weight * max(inside, above, near)
        sentence.looks = len(looks)
        sentence.own, sentence.coverage = own / asked.total, covered / asked.total
        sentence.score = (
            sentence.coverage
            + OWN_BONUS * sentence.own
            + HEADING_BONUS * asked.share(sentence.last_heading)
            + SAME_QUESTION * asked.is_heading(sentence.last_heading)
            + KIND_BONUS * sentence.looks
            + BRIEF_BONUS * own / (1 + len(sentence.words))
            - LATER_PASSAGE * sentence.passage
        )

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
