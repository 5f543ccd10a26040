"""Whatever a form of the dashboard changes leaves one row in the audit log.

Every page is sent a form by an owner. One that is new fails here until it leaves a
row, or says why it leaves none.
"""

import json
from copy import deepcopy

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from accounts.access.api_keys import revoke_api_key
from accounts.models import (
    APIKey,
    BrowserSession,
    Role,
    Scope,
    WebhookDelivery,
    WebhookEndpoint,
    WorkStatus,
)
from accounts.organizations.deletion import delete_organization
from accounts.tests.factories import PASSWORD, MembershipFactory
from accounts.webhooks.endpoints import send_test_event
from agents.conversations.tags import add_tag
from agents.import_export.agent_templates import file_of, ready_agents
from agents.inbox.handover import take
from agents.inbox.notes import add_note
from agents.lifecycle.deletion import delete_agent
from agents.lifecycle.editing import update_agent
from agents.models import Agent, Document, KnowledgeSource, ReleaseGate, Session
from agents.tests.files import named
from config.tests.recording import attempt, once
from config.tests.routes import page_cells
from config.tests.test_isolation import many, signed_in, world  # noqa: F401
from config.tests.test_isolation_of_pages import path_of, things  # noqa: F401

pytestmark = pytest.mark.django_db
POSTS = [cell for cell in page_cells() if cell.method == "post"]
# What is changed of a page's form, or all of a form that its page does not show.
MAKER = "https://api.openai.com/v1"
GRADED = {"kind": "behaviour", "difficulty": "basic", "type_0": "refuses"}
FORMS = {
    "accounts:account": {"name": "Ada Lovelace"},
    "accounts:api_keys": {
        "name": "Till",
        "scopes": Scope.CHAT,
        "rate_limit_tier": "pro",
    },
    "accounts:rotate_api_key": {"overlap_seconds": 86_400},
    "accounts:organizations": {"name": "Rye Bakery"},
    "accounts:settings": {"name": "Harbor Tea"},
    "accounts:delete_organization": {"delete-confirmation": "Harbor Coffee"},
    "accounts:visitor": {"visitor-visitor_id": "the visitor", "erase": "yes"},
    "accounts:close_account": {"confirmation": "ada@example.com"},
    "accounts:members": {"email": "new@example.com", "role": Role.VIEWER},
    "accounts:change_role": {"role": Role.EDITOR},
    "accounts:webhooks": {"url": "https://x.example.com/", "events": "agent.created"},
    "accounts:webhook": {"description": "Till"},
    "metrics:record": {"outcome": "passed", "score": 90},
    "metrics:reset": {},
    "agents:create": {"name": "Bean finder", "knowledge": "none"},
    "agents:template": {"knowledge": False},
    "agents:edit": {"name": "Bean finder"},
    "agents:retention": {"days": 30},
    "agents:rate": {"rating": "up"},
    "agents:add_tag": {"name": "vip"},
    "agents:new_test": {"name": "Price", "question": "How much?"} | GRADED,
    "agents:edit_test": {"name": "Price"},
    "agents:models": {"kind": "openai", "name": "Cellar", "api_key": "sk-1"},
    "agents:model_account": {"base_url": MAKER, "api_key": "sk-1"},
    "agents:canned": {"shortcut": "hi", "text": "Hello."},
    "agents:canned_edit": {"text": "Good morning."},
    "agents:inbox_preferences": {"notify": "all"},
    "agents:inbox_assign": {"user": "the owner"},
    "agents:inbox_say": {"text": "Call back.", "note": "yes"},
    "agents:caps": {"max_messages_per_month": 5},
    "agents:knowledge_list": {"name": "Returns"},
    "agents:knowledge_detail": {"title": "Returns", "content": "Thirty days."},
    "agents:knowledge_sites": {
        "url": "https://shop.example/other",
        "max_pages": 5,
        "max_depth": 1,
        "recrawl": "never",
    },
    "agents:knowledge_site": {"max_pages": 7},
}
LEAVES_NONE = {
    "accounts:switch_organization": "a browser's choice, kept in its own session",
    "accounts:connect_provider": "what comes back is recorded",
    "metrics:record": "the ledger is the record",
    "agents:stop": "conversations are their own record",
    "agents:regenerate": "conversations are their own record",
}
# What the isolation tests have nothing to show for.
OWN_PARTS = {
    "accounts:end_session": "session_id",
    "accounts:disconnect_provider": "identity_id",
    "agents:template": "template",
}
# What changes two things: an account and a membership; an agent that is made, and the
# versions it had elsewhere.
LEAVES_TWO = {"accounts:close_account", "agents:import", "agents:template"}


@pytest.fixture
def filled(things, harbor, ada, bo):  # noqa: F811
    """The isolation tests' things, and what else a form may be about."""
    person, session = ada.user, Session.objects.get(pk=things["session"])
    person.set_password(PASSWORD)
    person.save()
    identity = SocialAccount.objects.create(user=person, provider="oidc", uid="1")
    Client().force_login(person)
    delivery = send_test_event(endpoint=WebhookEndpoint.objects.get(), actor=person)
    tag, _ = add_tag(session=session, name="old", actor=person)
    return things | {
        "the owner": str(ada.user_id),
        "the visitor": session.visitor_id,
        "member": bo.user_id,
        "delivery": delivery.pk,
        "tag": tag.pk,
        "note": add_note(session=session, author=person, text="Call back.").pk,
        "session_id": BrowserSession.objects.get(user=person).pk,
        "identity_id": identity.pk,
        "template": "customer_support",
        "key": APIKey.objects.get().pk,
    }


@pytest.fixture
def browser(filled, ada):
    """Ada's browser, in which she has just shown once more who she is."""
    client = signed_in(ada)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def agent_of(known) -> Agent:
    return Agent.objects.get(public_id=known["agent"])


def draft(known, ada) -> None:
    Agent.objects.update(release_gate=ReleaseGate.WARN)
    changes = {"system_prompt": "Be brief."}
    update_agent(agent=agent_of(known), actor=ada.user, changes=changes)


# What has to be so before a form can change anything.
BEFORE = {
    "accounts:restore_api_key": lambda known, ada: revoke_api_key(
        key=APIKey.objects.get(), actor=ada.user
    ),
    "accounts:restore_organization": lambda known, ada: delete_organization(
        organization=ada.organization, actor=ada.user
    ),
    "accounts:close_account": lambda known, ada: MembershipFactory(
        organization=ada.organization
    ),
    "accounts:replay_webhook": lambda known, ada: WebhookDelivery.objects.update(
        status=WorkStatus.DONE
    ),
    "agents:restore": lambda known, ada: delete_agent(
        agent=agent_of(known), actor=ada.user
    ),
    "agents:release": draft,
    "agents:inbox_hand_back": lambda known, ada: take(
        session=Session.objects.get(), actor=ada.user
    ),
    "agents:retry_document": lambda known, ada: Document.objects.update(
        status=WorkStatus.FAILED
    ),
    "agents:crawl_site": lambda known, ada: KnowledgeSource.objects.update(
        status=WorkStatus.DONE
    ),
}


def address_of(cell, known) -> str:
    if cell.name in OWN_PARTS:
        return reverse(cell.name, args=[known[OWN_PARTS[cell.name]]])
    return path_of(cell, known)


def files_of(cell) -> dict:
    if cell.name == "agents:upload":
        return {"files": named("tea.md", "# Tea")}
    if cell.name == "agents:import":
        ready = ready_agents()["customer_support"]
        return {
            "file": named(
                "a.json", json.dumps(file_of(ready, "general", knowledge=False))
            )
        }
    return {}


def form_of(cell, browser, known) -> tuple[bytes, str]:
    """Return what a page's own form would send, changed as said above."""
    shown = browser.get(address_of(cell, known))
    form = shown.context and shown.context.get("form")
    values = {}
    if form is not None:
        values = {field.html_name: field.value() for field in form}
    told = FORMS.get(cell.name, {})
    values |= {
        name: known.get(value, value) if isinstance(value, str) else value
        for name, value in told.items()
    }
    values = {n: value for n, value in values.items() if value not in (None, False)}
    return encode_multipart(BOUNDARY, values | files_of(cell)), MULTIPART_CONTENT


@pytest.fixture
def outcomes(request):
    """What came of every form, tried once for all tests of this file."""
    return once(request, tried)


@pytest.fixture
def tried(filled, ada, browser, many):  # noqa: F811
    """What came of every form: its cell, the answer, the rows it left."""
    done, cookies = [], browser.cookies
    for cell in POSTS:
        # Some forms end in signing out.
        browser.cookies = deepcopy(cookies)
        before = BEFORE.get(cell.name)
        answer, rows = attempt(
            browser,
            "post",
            address_of(cell, filled),
            *form_of(cell, browser, filled),
            prepare=before and (lambda before=before: before(filled, ada)),
        )
        if answer.status_code != 405:
            done.append((cell, answer, rows))
    return done


def test_every_form_that_changes_something_leaves_one_row(outcomes):
    wrong = []
    for cell, answer, rows in outcomes:
        expected = 1 + (cell.name in LEAVES_TWO) - (cell.name in LEAVES_NONE)
        if len(rows) != expected:
            wrong.append(f"{cell} {answer.status_code}: {len(rows)} rows")
    assert wrong == []
    assert {cell.name for cell, *_ in outcomes} > LEAVES_NONE.keys() | LEAVES_TWO


def test_every_row_of_a_form_holds_the_status_of_the_answer(outcomes):
    wrong = [
        f"{cell} {answer.status_code}: {row.response_status}"
        for cell, answer, rows in outcomes
        for row in rows
        if row.response_status != answer.status_code
    ]
    assert wrong == []


def test_every_row_of_a_form_says_what_was_sent(outcomes):
    wrong = [
        str(cell)
        for cell, answer, rows in outcomes
        for row in rows
        if bool(FORMS.get(cell.name)) > bool(row.detail.request_body)
    ]
    assert wrong == []


def test_signing_out_of_ones_own_browser_leaves_one_row(browser, ada):
    own = BrowserSession.objects.get(session_id=browser.session.session_key)
    url = reverse("accounts:end_session", args=[own.pk])
    answer, rows = attempt(browser, "post", url)
    assert answer["Location"] == reverse("account_login")
    assert [row.action for row in rows] == ["LOGOUT"]
