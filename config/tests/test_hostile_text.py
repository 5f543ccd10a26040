"""No text from outside holds a worker, whichever pattern or function reads it."""

from contextlib import suppress

import pytest

from accounts.audit.log import without_secrets
from accounts.audit.redaction import redact_body
from agents.conversations.search import terms
from agents.custody.graders import GRADERS, Given
from agents.grounded import answer_types, smalltalk, unanswered
from agents.inbox import handover_phrases
from agents.knowledge import file_types
from agents.knowledge.chunks import split_text
from agents.knowledge.formatting import clean
from agents.knowledge.readers.dialects import plain
from agents.knowledge.readers.pages import read as read_page
from agents.knowledge.readers.reading import Unreadable, cleaned
from agents.knowledge.readers.tables import read as read_table
from agents.knowledge.readers.texts import read as read_text
from agents.knowledge.readers.texts import title_of
from agents.knowledge.retrieval import lexical, query_rewriting
from agents.knowledge.retrieval.normalization import normalized, visible
from agents.knowledge.retrieval.words import words_in
from agents.knowledge.sentences import split_sentences
from agents.knowledge.web import links as weblinks
from agents.knowledge.web import robots
from agents.llm import prompt
from agents.llm.citations import Marks
from agents.replies.link_filter import Links
from config.tests.hostile import (
    complaint,
    inline_patterns,
    patterns,
    put_to,
    texts_against,
    texts_against_functions,
)


def test_no_pattern_is_written_where_no_test_finds_it():
    assert list(inline_patterns()) == []


@pytest.mark.parametrize("where", patterns())
def test_a_pattern_takes_twice_as_long_for_twice_the_text(where):
    pattern = patterns()[where]
    work = put_to(pattern)
    slow = filter(None, (complaint(work, text) for text in texts_against(pattern)))
    assert next(slow, None) is None


def marked(text):
    marks = Marks(())
    return marks.feed(text) + marks.end()


def linked(text):
    links = Links(urls=["https://example.com/"])
    return links.feed(text) + links.end()


def graded(text):
    given = Given(text, ({"url": "https://a.b"},), (text[:900],), (text[:900],), "m")
    return [
        grader.judge(given, grader.value("a") if grader.value is str else 9)
        for grader in GRADERS.values()
    ]


def kinds_in(text):
    return [
        kind.seen_in(text)
        for kind in (*answer_types.kinds_of(text), *answer_types.KINDS)
    ]


def asked(text):
    given = (
        query_rewriting.parts(text),
        query_rewriting.asks(text),
        query_rewriting.goes_on(text),
    )
    return (
        given,
        query_rewriting.leans_back(text),
        query_rewriting.standalone(text, [text]),
    )


def table(text):
    return [file_types.is_table(text, is_named_so=named) for named in (True, False)]


def file_of(read):
    def work(text):
        with suppress(Unreadable):
            read(text.encode())

    return work


def kind(text):
    try:
        return file_types.kind_of(text.encode())
    except file_types.UnknownKind as error:
        return error


FUNCTIONS = {
    "passages": split_text,
    "formatting": clean,
    "sentences": split_sentences,
    "questions": asked,
    "kinds of answers": kinds_in,
    "small talk": smalltalk.meaning_of,
    "orders": smalltalk.asks_for_instructions,
    "greetings": smalltalk.without_greeting,
    "wishes for a person": handover_phrases.wish_for_person,
    "graders": graded,
    "links": linked,
    "marks": marked,
    "escapes": prompt.escaped,
    "gaps": unanswered.leaves_open,
    "bodies": lambda text: redact_body({text[:90]: text, "url": f"https://{text}"}),
    "paths": without_secrets,
    "searches": terms,
    "phrases": lambda text: lexical.in_one_word("english", text),
    "ways of writing": lambda text: visible(normalized(text)),
    "words": words_in,
    "kinds of files": kind,
    "tables": table,
    "dialects of Markdown": plain,
    "rows": file_of(read_table),
    "pages": file_of(read_page),
    "text files": file_of(read_text),
    "cleaning": cleaned,
    "titles": title_of,
    "addresses": lambda text: weblinks.written(f"https://a.b/{text}"),
    "rules for robots": lambda text: robots.rules_in(text, "youragent"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_twice_as_long_for_twice_the_text(name):
    work = FUNCTIONS[name]
    slow = filter(None, (complaint(work, text) for text in texts_against_functions()))
    assert next(slow, None) is None


@pytest.mark.parametrize(
    ("question", "asks_for_hours"),
    [
        ("When do you open?", True),
        ("Wann habt ihr geöffnet?", True),
        ("Straße 5: when is it open", True),
        ("\u0645\u062a\u0649 when \u0645 open", True),
        ("\u0e23\u0e32\u0e04\u0e32 when open", True),
        ("when éopen", False),
        ("when ßopen", False),
        ("\u0645when is it open", False),
        ("\u0e23when is it open", False),
        ("When is it?\nopen", False),
    ],
)
def test_a_word_ends_where_letters_of_any_script_end(question, asks_for_hours):
    assert (answer_types.KINDS[0] in answer_types.kinds_of(question)) is asks_for_hours


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("**Straße** und __été__", "Straße und été"),
        ("**\u0645\u0631** __\u0e23\u0e32__", "\u0645\u0631 \u0e23\u0e32"),
        ("**a __b__ c** d", "a __b__ c d"),
        ("** a** b", "** a** b"),
        ("**a\nb**", "**a\nb**"),
        ("***a***", "*a*"),
        ("2 ** 3 ** 4", "2 ** 3 ** 4"),
    ],
)
def test_emphasis_goes_where_a_pair_of_marks_holds_words(text, plain):
    assert clean(text) == plain
