"""Answer without a model: the documents' sentences that fit, with their source."""

import re
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from agents.grounded.matching import (
    ENOUGH_FOR_STATEMENT,
    IS_THE_QUESTION,
    Asked,
    Reading,
    Sentence,
)
from agents.grounded.phrases import phrases_in
from agents.grounded.smalltalk import offer, small_talk, without_greeting
from agents.knowledge.retrieval import query_rewriting
from agents.llm.provider import (
    Citation,
    Delta,
    Ending,
    Passage,
    Turn,
    estimate_tokens,
    within,
)

MAX_SENTENCES = 3
MAX_ITEMS = 8
MAX_ANTECEDENTS = 3
# How close to the best a sentence must come to be said beside it.
BESIDE = 0.9
SAME = 0.6
# A sentence with this much of the question needs no section around it.
SAYS_IT_ITSELF = 0.5
# Of a section whose heading is the question, and of one that is just about it.
LONGEST_ANSWER, LONGEST_OUTLINE = 500, 220
LONGEST_QUOTE = 100
TOKEN = re.compile(r"\S+\s*|\s+")
# A sentence that begins so is understood only with the one before it.
ANAPHORA = re.compile(
    r"\A(?:(?:otherwise|however|instead|then|so|but|and|also|"
    r"if (?:so|not)|in that case|dann|sonst|jedoch|außerdem|dafür|dort)\b|"
    r"(?:\w++\s++){0,2}?(?:it|they|them|this|these|those|that|he|she|dies\w*|"
    r"er|es)\b|(?:\w++\s++){2,7}?other\b)",
    re.IGNORECASE,
)


@dataclass
class Composition:
    """An answer in the making: its paragraphs, and the passages they cite."""

    passages: tuple[Passage, ...]
    paragraphs: list[str] = field(default_factory=list)
    cited: list[int] = field(default_factory=list)

    def number_of(self, passage: int) -> int:
        if passage not in self.cited:
            self.cited.append(passage)
        return self.cited.index(passage) + 1

    def citations(self) -> list[Citation]:
        return [
            Citation.of(number, self.passages[index])
            for number, index in enumerate(self.cited, start=1)
        ]


class Grounded:
    """The provider that is always there: it says nothing the documents do not."""

    name = "grounded"
    quotes = True

    def stream(self, turn: Turn) -> Generator[Delta | Ending]:
        text, citations = compose(turn)
        text = within(text, turn.max_tokens)
        pause = settings.GROUNDED_TOKEN_DELAY_MS / 1000 if turn.is_watched else 0
        for index, token in enumerate(TOKEN.findall(text)):
            if index and pause:
                time.sleep(pause)
            yield Delta(token)
        yield Ending(
            citations,
            prompt_tokens=estimate_tokens(turn.question),
            answer_tokens=estimate_tokens(text),
        )


def compose(turn: Turn) -> tuple[str, list[Citation]]:
    """Return the answer to a turn, and what it cites."""
    if said := small_talk(turn):
        return said, []
    say = phrases_in(turn.language)
    # It is words that are quoted and compared: what shares them is read first.
    passages = tuple(sorted(turn.passages, key=lambda each: -each.word_score))
    composition = Composition(passages)
    reading = Reading(passages, turn.language)
    parts = query_rewriting.parts(without_greeting(turn.question))
    earlier = [said.content for said in turn.history if said.role == "user"]
    unknown = []
    for number, part in enumerate(parts):
        before = parts[:number] or earlier
        is_aside = len(parts) > 1 and not query_rewriting.asks(part)
        if paragraph := answer_to(reading, part, before, composition, is_aside):
            composition.paragraphs.append(paragraph)
        elif len(parts) == 1 or (not is_aside and reading.ask(part).strong):
            unknown.append(part)
    if not composition.paragraphs:
        text = say.unknown if turn.topics else say.unread
        return f"{text} {offer(say, turn.topics)}".strip(), []
    composition.paragraphs += [
        say.unknown_part.format(question=shortened(part)) for part in unknown
    ]
    return "\n\n".join(composition.paragraphs), composition.citations()


def shortened(question: str) -> str:
    return question if len(question) <= LONGEST_QUOTE else question[:99] + "…"


def answer_to(
    reading: Reading,
    question: str,
    earlier: Sequence[str],
    composition: Composition,
    is_aside: bool,
) -> str:
    """Return the sentences that answer one question, or nothing.

    A question that merely points back, with "it", may well stand on its own.
    """
    subject = query_rewriting.subject(question, earlier)
    tries = [reading.ask(question, subject)]
    if subject and not query_rewriting.goes_on(question):
        tries.append(reading.ask(question, subject, leans=False))
    for asked in tries:
        at_least = ENOUGH_FOR_STATEMENT if is_aside else 0.0
        if ranked := reading.rank(asked, at_least):
            chosen = section_of(reading, asked, ranked[0]) or beside(
                reading, asked, ranked
            )
            paragraph = written(chosen, composition)
            return "" if paragraph in composition.paragraphs else paragraph
    return ""


def section_of(reading: Reading, asked: Asked, best: Sentence) -> list[Sentence]:
    """Return the section whose heading is the question, or its only subject."""
    if asked.is_heading(best):
        longest = LONGEST_ANSWER
    elif (
        not asked.kinds
        and best.own < SAYS_IT_ITSELF
        and asked.share(best.last_heading) >= IS_THE_QUESTION
    ):
        longest = LONGEST_OUTLINE
    else:
        return []
    section: list[Sentence] = []
    length = 0
    for sentence in reading.sentences:
        if sentence.passage != best.passage:
            continue
        length += len(sentence.text)
        if section and (length > longest or len(section) >= MAX_ITEMS):
            break
        section.append(sentence)
    return section if best in section else []


def beside(reading: Reading, asked: Asked, ranked: list[Sentence]) -> list[Sentence]:
    """Return the best sentence and what else belongs to the answer."""
    best = ranked[0]
    document = reading.passages[best.passage].document_id
    chosen = [best]
    for sentence in ranked[1:]:
        is_near = reading.passages[sentence.passage].document_id == document
        if (
            len(chosen) < MAX_SENTENCES
            and sentence.score >= BESIDE * best.score
            and sentence.own >= BESIDE * best.own
            and sentence.looks >= best.looks
            and (is_near or asked.is_keyword)
            and not any(adds_nothing(sentence, other) for other in chosen)
        ):
            chosen.append(sentence)
    return with_neighbours(reading, chosen)


def adds_nothing(one: Sentence, other: Sentence) -> bool:
    """Say whether a sentence repeats another, or what is wanted of it."""
    shared, both = one.words & other.words, one.words | other.words
    return len(shared) >= SAME * max(1, len(both)) or bool(one.marks & other.marks)


def antecedents(by_place: dict[tuple[int, int], Sentence], sentence: Sentence) -> int:
    """Count the sentences before one that it needs: "It tastes of hazelnut."."""
    needed = 0
    while needed < MAX_ANTECEDENTS and not sentence.is_item:
        before = by_place.get((sentence.passage, sentence.place - 1))
        if before is None or not ANAPHORA.match(sentence.text):
            break
        needed, sentence = needed + 1, before
    return needed


def with_neighbours(reading: Reading, chosen: list[Sentence]) -> list[Sentence]:
    """Add what a sentence needs to be understood: its antecedent, or its list."""
    by_place = {(each.passage, each.place): each for each in reading.sentences}
    found: list[Sentence] = []

    def add(sentence: Sentence | None) -> None:
        if sentence is not None and all(sentence.text != other.text for other in found):
            found.append(sentence)

    # The passage of the best first; within a passage as it was written.
    passages = [each.passage for each in chosen]
    for sentence in sorted(
        chosen, key=lambda each: (passages.index(each.passage), each.place)
    ):
        here, place = sentence.passage, sentence.place
        for offset in range(antecedents(by_place, sentence), -1, -1):
            add(by_place.get((here, place - offset)))
        following = by_place.get((here, place + 1))
        if sentence.text.endswith(":"):
            for offset in range(1, MAX_ITEMS + 1):
                item = by_place.get((here, place + offset))
                if item is None or not item.is_item:
                    break
                add(item)
        elif following and not following.is_item and ANAPHORA.match(following.text):
            add(following)
    return found


def written(sentences: list[Sentence], composition: Composition) -> str:
    """Write sentences out, each run from one passage followed by its number."""
    lines: list[str] = []
    for index, sentence in enumerate(sentences):
        text = sentence.text
        previous = sentences[index - 1] if index else None
        if sentence.is_item:
            introduced = previous is not None and previous.passage == sentence.passage
            if sentence.lead and not introduced:
                lines.append(sentence.lead)
            text = f"- {text}"
        following = sentences[index + 1] if index + 1 < len(sentences) else None
        if following is None or following.passage != sentence.passage:
            text += f" [{composition.number_of(sentence.passage)}]"
        if lines and not sentence.is_item and not lines[-1].startswith("- "):
            lines[-1] += " " + text
        else:
            lines.append(text)
    return "\n".join(lines)
