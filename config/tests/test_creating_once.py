"""Every route that creates something keeps an idempotency key, whoever wrote it.

A POST that is new fails here until it is listed: with two bodies, or with a reason.
"""

import pytest
from django.apps import apps
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator

from accounts.models import Role
from accounts.webhooks.endpoints import create_endpoint
from config.tests.routes import cells, is_organization_view, patterns
from config.tests.test_every_door_is_recorded import body_of
from config.tests.test_isolation import many, path_of, signed_in, world  # noqa: F401

pytestmark = pytest.mark.django_db
# What is sent instead to show that the key was used with another body.
OTHER_BODIES = {
    "organization-list": {"name": "Oat Bakery"},
    "invitation-list": {"email": "other@example.com", "role": Role.VIEWER},
    "api-key-list": {"name": "Other", "scopes": ["chat"]},
    "api-key-rotate": {"overlap_seconds": 5},
    "webhook-list": {"url": "https://y.example.com/", "events": ["agent.created"]},
    "provider-list": {"name": "Other", "kind": "openai", "api_key": "sk-another-one"},
    "agent-list": {"name": "Other"},
    "agent-clone": {"name": "Other"},
    "agent-import": {"agent": {"name": "Other"}},
    "custody-test-list": {"name": "Other"},
    "custody-run-list": {"version": 1},
    "knowledge-pack-list": {"name": "Other"},
    "knowledge-pack-documents": {"title": "Other"},
    "knowledge-pack-sources": {"url": "https://shop.example/other"},
    "session-list": {"title": "Other"},
    "session-messages": {"content": "Where are you?"},
    "session-add-tag": {"name": "other"},
    "inbox-reply": {"content": "We open at ten."},
    "inbox-notes": {"text": "Write back."},
    "canned-reply-list": {"shortcut": "other"},
    "agent-metrics-bulk-update": {"updates": {"other": {"xp": 1}}},
    "agent-metrics-custody-test": {"score": 80},
    "agent-metrics-learning": {"success_rate": 0.6},
}
KEY_IN_HEADER_ONLY = {
    "agent-import": "its body is a file",
    "agent-metrics-bulk-update": "its body is figures, as the seed has them",
    "agent-metrics-custody-test": "the same",
    "agent-metrics-learning": "the same",
}
# They take no body: another request is one with another path, see below.
WITHOUT_BODY = {"webhook-test", "agent-restore-version"}
# It leaves a row in the record for the agent and for all it brings.
FILE = {
    "format": "youragent.agent",
    "version": 1,
    "agent": {"name": "Brought", "persona": "support_expert"},
}
NOT_CREATING = {
    "member-transfer-ownership": "changes two roles",
    "organization-restore": "brings back what there was",
    "visitor-erase": "erases",
    "api-key-restore": "brings back what there was",
    "webhook-rotate": "changes a secret; the row stays",
    "webhook-replay": "sends a delivery that there is",
    "provider-test": "asks, and notes the answer in the row that there is",
    "agent-release": "says which version is live; `version` makes it repeatable",
    "agent-restore": "brings back what there was",
    "knowledge-source-crawl": "reads a source anew that there is",
    "document-try-again": "reads a document anew that there is",
    "session-complete": "ends",
    "session-fail": "ends",
    "session-cancel": "ends",
    "session-expire": "ends",
    "session-stop": "ends answers",
    "session-regenerate": "names what it replaces: named again, finds what replaced it",
    "inbox-take": "changes who answers",
    "inbox-hand-back": "changes who answers",
    "inbox-assign": "changes who answers",
    "inbox-close": "ends",
    "completion-list": "may stream; its key is tested with what it does",
}
# The panel's own protocol and its limits are the widget's; `messages` is tested there.
OF_THE_WIDGET = {
    "boot": "answers a code, and stores nothing",
    "sessions": "its code is good once",
    "refresh": "its token is good once",
    "messages": "keeps a key, as the widget's tests say",
    "feedback": "changes a rating",
    "stop": "ends answers",
    "regenerate": "names what it replaces",
    "handover": "asks once for each conversation",
}
SHOWN_ONCE = {"key", "secret"}
POSTS = [cell for cell in cells() if cell.method == "post"]
CREATING = [cell for cell in POSTS if cell.name in OTHER_BODIES.keys() | WITHOUT_BODY]


def rows_of_all_tables() -> dict[str, int]:
    return {
        model._meta.label: model._base_manager.count()
        for model in apps.get_models()
        if model._meta.app_label in ("accounts", "metrics", "agents", "widget")
    }


@pytest.fixture
def things(world, ada, many):  # noqa: F811
    """One of everything; a person answers in this world's conversation."""
    signed_in(ada).post(reverse("api:inbox-take", args=[world["session"]]))
    return world | {"the agent": str(world["agent"])}


def sent_to(cell, things):
    return FILE if cell.name == "agent-import" else body_of(cell, things)


def send(client, path, body, key):
    return client.post(
        path, body, content_type="application/json", headers={"Idempotency-Key": key}
    )


def other_path(cell, things, ada):
    """Return the same route about another object."""
    if cell.name == "agent-restore-version":
        return reverse("api:agent-restore-version", args=[things["agent"], 2])
    webhook, _ = create_endpoint(
        organization=ada.organization,
        actor=ada.user,
        url="https://hooks.example.com/other",
        events=["agent.created"],
    )
    return reverse("api:webhook-test", args=[webhook.pk])


def test_every_post_is_known_to_create_or_not_to():
    known = OTHER_BODIES.keys() | WITHOUT_BODY | NOT_CREATING.keys()
    assert {cell.name for cell in POSTS} == known
    beside = {
        pattern.name
        for pattern in patterns()
        if str(pattern.pattern).startswith("api/")
        and not is_organization_view(pattern)
        and hasattr(getattr(pattern.callback, "cls", None), "post")
    }
    assert beside == OF_THE_WIDGET.keys()


@pytest.mark.parametrize("cell", CREATING, ids=str)
def test_a_repeated_key_creates_nothing_and_answers_the_same(cell, ada, things):
    client, path = signed_in(ada), path_of(cell, things)
    body = sent_to(cell, things)
    before = rows_of_all_tables()
    first = send(client, path, body, "k")
    after = rows_of_all_tables()
    assert first.status_code in (200, 201, 202), first.content
    assert "Idempotency-Replayed" not in first
    assert before != after
    again = send(client, path, body, "k")
    assert again.status_code == 200, again.content
    assert again["Idempotency-Replayed"] == "true"
    assert rows_of_all_tables() == after
    told = {k: v for k, v in first.json().items() if k not in SHOWN_ONCE}
    assert again.json() == told


@pytest.mark.parametrize("cell", CREATING, ids=str)
def test_a_key_is_not_taken_for_another_request(cell, ada, things):
    client, path = signed_in(ada), path_of(cell, things)
    other = other_path(cell, things, ada) if cell.name in WITHOUT_BODY else path
    body = sent_to(cell, things)
    assert send(client, path, body, "k").status_code < 300
    after = rows_of_all_tables()
    answer = send(client, other, body | OTHER_BODIES.get(cell.name, {}), "k")
    assert answer.status_code == 422, answer.content
    assert answer.json()["code"] == "idempotency_key_reused"
    assert rows_of_all_tables() == after


@pytest.mark.parametrize("cell", CREATING, ids=str)
def test_a_key_stands_in_the_body_as_well(cell, ada, things):
    if cell.name in WITHOUT_BODY | KEY_IN_HEADER_ONLY.keys():
        return
    client, path = signed_in(ada), path_of(cell, things)
    body = sent_to(cell, things)
    first = send(client, path, body, "k")
    again = client.post(
        path, body | {"idempotency_key": "k"}, content_type="application/json"
    )
    assert first.status_code < 300
    assert again.status_code == 200, again.content
    assert again["Idempotency-Replayed"] == "true"


def test_the_document_names_the_header_wherever_it_counts():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    named = {
        operation["operationId"]
        for methods in paths.values()
        for method, operation in methods.items()
        if method == "post"
        and "Idempotency-Key" in {each["name"] for each in operation["parameters"]}
    }
    assert len(named) == len(CREATING) + 1  # and completions
