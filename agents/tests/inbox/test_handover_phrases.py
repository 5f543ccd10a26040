"""How people ask for a person, and how an agent admits that it does not know."""

import time

import pytest

from agents.grounded.phrases import BY_LANGUAGE
from agents.grounded.unanswered import leaves_open
from agents.inbox.handover_phrases import (
    LONGEST,
    PATTERNS,
    VOICES,
    language_of,
    voice_in,
    wish_for_person,
)

WISHES = {
    "english": [
        "I want to talk to a human",
        "Can I speak with someone?",
        "Human please!",
        "Could you transfer me to a representative?",
        "Hi, can I talk to a person, please?",
        "Can I talk to someone about customs?",
        "Is there someone I can talk to?",
        "I’d like to speak to a real person",
    ],
    "german": [
        "Ich möchte mit einem Menschen sprechen",
        "Kann ich bitte mit einem Mitarbeiter sprechen?",
        "Verbinden Sie mich mit einer echten Person",
        "Ich würde gerne mit jemandem aus dem Team sprechen",
    ],
    "french": ["Je voudrais parler à quelqu’un", "Un humain, s’il vous plaît"],
    "spanish": ["¿Puedo hablar con alguien?", "Quiero hablar con una persona"],
    "italian": ["Vorrei parlare con una persona", "Un operatore, per favore"],
    "portuguese": ["Posso falar com alguém?", "Quero falar com uma pessoa"],
    "dutch": ["Ik wil graag met iemand praten", "Kan ik een medewerker spreken?"],
    "swedish": ["Jag vill prata med en människa", "Kan jag få prata med någon?"],
    "danish": ["Jeg vil gerne tale med et menneske"],
    "norwegian": ["Kan jeg få snakke med noen?"],
    "finnish": ["Haluan puhua ihmisen kanssa"],
    "arabic": ["أريد التحدث مع شخص حقيقي", "هل يمكنني التحدث إلى موظف؟"],
}
NO_WISHES = [
    "",
    "please",
    "Are you a human?",
    "Can I talk to someone by phone?",
    "Do you have a contact person for wholesale?",
    "My agent said I can return it",
    "support",
    "human resources",
    "Is there someone who ships to Norway?",
    "Wie viele Mitarbeiter haben Sie?",
    "Combien de personnes ?",
    "¿Cuántas personas trabajan allí?",
]


def test_every_language_an_agent_speaks_is_understood_and_answered_in():
    assert WISHES.keys() == PATTERNS.keys() == VOICES.keys()
    assert BY_LANGUAGE.keys() <= VOICES.keys()


@pytest.mark.parametrize(
    ("language", "wish"), [(name, wish) for name in WISHES for wish in WISHES[name]]
)
def test_a_wish_is_known_with_its_language(language, wish):
    assert wish_for_person(wish, language) == language


@pytest.mark.parametrize("text", NO_WISHES)
def test_what_is_no_wish_is_left_to_the_agent(text):
    assert wish_for_person(text) == ""


def test_what_says_more_than_the_wish_is_left_to_the_agent():
    wish = WISHES["english"][0]
    assert wish_for_person(f"{wish}. {'My parcel is late. ' * 20}") == ""


def test_no_text_takes_long_to_judge():
    texts = ["i want to " * 16, "mit einem " * 16, "a " * 80, "real human " * 14]
    begun = time.perf_counter()
    for text in texts:
        wish_for_person(text[:LONGEST])
    assert time.perf_counter() - begun < 0.2


@pytest.mark.parametrize(
    ("locale", "language"), [("de-AT", "german"), ("pt_BR", "portuguese"), ("xx", "")]
)
def test_a_locale_names_a_language(locale, language):
    assert language_of(locale) == language


def test_the_first_language_we_have_is_spoken():
    assert voice_in("", "klingon", "dutch") == VOICES["dutch"]
    assert voice_in("klingon") == VOICES["english"]


@pytest.mark.parametrize("language", BY_LANGUAGE)
def test_an_agent_that_does_not_know_is_heard_in_its_language(language):
    say = BY_LANGUAGE[language]
    part = say.unknown_part.format(question="Who won?")
    open_ones = [say.unknown, say.unread, f"In three days. [1]\n\n{part}"]
    closed = [say.hello, say.ask, say.welcome, say.identity, say.refusal]
    assert all(map(leaves_open, open_ones))
    assert not any(map(leaves_open, closed))
