"""Who may open which page: a matrix made from the URLs, as the API has one.

Every page is tried with every method, by everybody. A page that is new fails here
until it says what it needs (`accounts.views.access.page`, `person_page`).
"""

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.access.permissions import may
from accounts.models import Role
from accounts.tests.factories import MembershipFactory
from agents.models import Session
from agents.tests.factories import ProviderAccountFactory, TagFactory
from config.tests.routes import METHODS, cells, named_patterns, page_cells
from config.tests.test_isolation import (  # noqa: F401
    ask,
    many,
    nowhere,
    signed_in,
    text_of,
    with_key,
    world,
)
from widget.models import WidgetSession
from widget.tokens import issue

pytestmark = pytest.mark.django_db
CELLS = page_cells()
# What the parts of an address stand for.
ABOUT = {
    "public_id": "agent",
    "session_id": "session",
    "message_id": "message",
    "tag_id": "tag",
    "note_id": "note",
    "source_id": "source",
    "account_id": "account",
    "test_id": "custody_test",
    "run_id": "custody_run",
    "pack_id": "pack",
    "document_id": "document",
    "agent_type": "agent_type",
    "key_id": "key",
    "user_id": "member",
    "invitation_id": "invitation",
    "webhook_id": "webhook",
    "delivery_id": "delivery",
    "reply_id": "canned_reply",
    "organization_id": "organization",
    "provider_id": "agent_type",
}
# Counted within something else, or within one's own account.
NUMBERS = {"number": 1, "identity_id": 1, "key": "no-template"}
# Nobody needs to be signed in there, and each has tests of its own: the way in, what
# visitors' browsers ask for, the API's own matrix, the operators' site, our health.
OPEN = re.compile(
    r"(home|health.*|dashboard-health|ops-metrics|docs|schema|api:.*|admin:.*|widget:.*|accounts:invitation|accounts:setup"
    r"|account_.*|mfa_.*|.*_(login|callback)|)"
)
UNKNOWN = uuid4()
# Pages that everybody reads, and not everybody sends a form to.
WRITES = {
    "agents:tests": "agents:write",
    "agents:knowledge_list": "knowledge:write",
    "agents:knowledge_detail": "knowledge:write",
    "agents:knowledge_sites": "knowledge:write",
    "agents:knowledge_site": "knowledge:write",
    "agents:canned": "sessions:write",
}
# Nobody, a stranger, four roles, a program with a key, a visitor with a token.
PEOPLE = 8


@pytest.fixture
def things(request, harbor):
    things = request.getfixturevalue("world")
    said = Session.objects.get(pk=things["session"]).add_message("assistant", "Yes.")
    return things | {
        "message": said.pk,
        "delivery": uuid4(),
        "tag": TagFactory(organization=harbor).pk,
        "note": uuid4(),
        "account": ProviderAccountFactory(organization=harbor).pk,
    }


def path_of(cell, things):
    known = {part: things[thing] for part, thing in ABOUT.items()} | NUMBERS
    kwargs = {name: known.get(name, UNKNOWN) for name in cell.kwargs}
    return reverse(cell.name, kwargs=kwargs)


def answers_to(client, things, asked=CELLS):
    """Ask for every page in every way; methods nobody offers are left out."""
    for cell in offered(things):
        if cell in asked:
            answer = ask(client, cell, path_of(cell, things))
            assert answer.status_code < 500, cell
            if answer.status_code != 405:
                yield cell, answer


OFFERED = []


def offered(things):
    """Return the cells that are not refused before anybody asks who is there.

    Most methods are no page's: somebody unknown is asked once for all tests.
    """
    if not OFFERED:
        for cell in CELLS:
            if ask(Client(), cell, path_of(cell, things)).status_code != 405:
                OFFERED.append(cell)
    return OFFERED


def is_sent_to_sign_in(answer) -> bool:
    way_in = reverse("account_login")
    return answer.status_code == 302 and answer["Location"].startswith(way_in)


def test_every_page_says_what_it_needs_or_is_open_on_purpose():
    silent = {
        name
        for name, pattern in named_patterns()
        if not hasattr(pattern.callback, "needs") and not OPEN.fullmatch(name)
    }
    assert silent == set()
    parts = {name for cell in CELLS for name in cell.kwargs}
    assert parts - ABOUT.keys() - NUMBERS.keys() == set()


def test_the_matrix_is_as_large_as_the_product(capsys):
    api = 8 * len(cells())
    pages = PEOPLE * len(CELLS)
    with capsys.disabled():
        print(f"\n{api} cells of the API and {pages} of the pages")  # noqa: T201
    assert len(CELLS) >= 5 * 50
    assert {cell.method for cell in CELLS} == set(METHODS)


def test_nobody_gets_further_than_the_way_in(things):
    wrong = [
        f"{cell} {answer.status_code}"
        for cell, answer in answers_to(Client(), things)
        if not is_sent_to_sign_in(answer)
    ]
    assert wrong == []


@pytest.mark.parametrize("credential", ["key", "widget token"])
def test_what_opens_the_api_or_a_chat_opens_no_page(things, ada, many, credential):  # noqa: F811
    if credential == "key":
        client = with_key(ada)
    else:
        agent = ada.organization.agents.get()
        visit = WidgetSession.objects.create(agent=agent, origin="https://x.example")
        client = Client(headers={"Authorization": f"Bearer {issue(visit).token}"})
    wrong = [
        f"{cell} {answer.status_code}"
        for cell, answer in answers_to(client, things)
        if not is_sent_to_sign_in(answer)
    ]
    assert wrong == []


def needs_of(cell) -> str:
    return WRITES.get(cell.name, cell.needs) if cell.method == "post" else cell.needs


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_what_the_matrix_says_and_no_more(things, harbor, role):
    client = signed_in(MembershipFactory(organization=harbor, role=role))
    wrong = [
        f"{cell} {answer.status_code}"
        for cell, answer in answers_to(client, things)
        if (answer.status_code == 403) == may(role, needs_of(cell))
    ]
    assert wrong == []


def content_of(answer, things) -> str:
    """Return what a page says, but for tokens and the ids that were asked for."""
    said = text_of(answer) + answer.get("Location", "")
    for thing in map(str, things.values()):
        said = said.replace(thing, "…") if len(thing) > 5 else said
    return re.sub(r'(name="csrfmiddlewaretoken" value|id)="[^"]*"', "", said)


def test_a_stranger_cannot_tell_anothers_things_from_none(things, cy):
    none = nowhere(things)
    asked = [cell for cell in CELLS if cell.kwargs]
    theirs = {
        cell: (answer.status_code, content_of(answer, things))
        for cell, answer in answers_to(signed_in(cy), things, asked)
    }
    unknown = {
        cell: (answer.status_code, content_of(answer, none))
        for cell, answer in answers_to(signed_in(cy), none, asked)
    }
    assert len(theirs) > 25
    assert [str(cell) for cell in theirs if theirs[cell] != unknown[cell]] == []
    shown = [str(cell) for cell, (status, _) in theirs.items() if status == 200]
    assert shown == []


def test_a_strangers_pages_hold_nothing_of_others(things, cy):
    asked = [cell for cell in CELLS if not cell.kwargs and cell.method == "get"]
    held = [
        f"{cell}: {thing}"
        for cell, answer in answers_to(signed_in(cy), things, asked)
        for thing in map(str, things.values())
        if len(thing) > 5 and thing in text_of(answer)
    ]
    assert held == []
