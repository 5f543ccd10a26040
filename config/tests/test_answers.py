"""What every route answers has the shape that the OpenAPI document gives it."""

import json
import re
from typing import Any

import pytest
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from accounts.models import WebhookDelivery
from agents.conversations.tags import add_tag
from agents.knowledge.web.sites import create_source
from agents.models import CustodyResult, Document, Session
from agents.models.feedback import RatingValue
from agents.tests.factories import filled_pack
from config.tests.every_row import fill
from config.tests.recording import attempt
from config.tests.test_every_door_is_recorded import body_of
from config.tests.test_isolation import CELLS, many, path_of, signed_in, world  # noqa: F401

pytestmark = pytest.mark.django_db
QUERIES = {
    "visitor-export": "?visitor_id=v_1",
    "knowledge-pack-search": "?q=delivery",
    "inbox-list": "?view=all",
}
BODIES = {
    "visitor-erase": {"visitor_id": "v_1"},
    "session-rate": {"rating": RatingValue.UP},
}


def as_json_schema(said: Any) -> Any:
    """Turn OpenAPI 3.0 into JSON Schema that allows no undocumented member."""
    if isinstance(said, list):
        return [as_json_schema(each) for each in said]
    if not isinstance(said, dict):
        return said
    schema = {name: as_json_schema(value) for name, value in said.items()}
    if "properties" in said and "additionalProperties" not in said:
        schema["additionalProperties"] = False
    if schema.pop("nullable", False) is True:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return schema


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def described(document, method: str, path: str) -> dict[str, Any]:
    """Return what the document says of a request."""
    found = [
        (template.count("{"), methods[method])
        for template, methods in document["paths"].items()
        if method in methods
        and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template.rstrip("/")), path)
    ]
    return min(found, key=lambda each: each[0])[1]


def faults_of(document, cell, path, answer, content) -> list[str]:
    """Say what of an answer is not as it is described."""
    said = described(document, cell.method, path)["responses"]
    if str(answer.status_code) not in said:
        return [f"{cell}: {answer.status_code} is none of {list(said)}"]
    kinds = said[str(answer.status_code)].get("content", {})
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if (kind in kinds) != bool(content):
        return [f"{cell}: {kind} is none of {list(kinds)}"]
    if kind != "application/json":
        return []
    schema = as_json_schema(
        kinds[kind]["schema"] | {"components": document["components"]}
    )
    return [
        f"{cell}: {fault.json_path} {fault.message[:200]}"
        for fault in Draft202012Validator(schema).iter_errors(json.loads(content))
    ]


@pytest.fixture
def seeded(world, ada, many):  # noqa: F811
    """One of everything, with something in it wherever something may be."""
    fill(ada)
    session = Session.objects.get(visitor_id="v_1")
    tag, _ = add_tag(session=session, name="vip", actor=ada.user)
    delivery = WebhookDelivery.objects.get(attempts__isnull=False)
    document = Document.objects.get(file__isnull=False)
    known = filled_pack(
        "Delivery: Delivery takes 3 days.", organization=ada.organization
    )
    create_source(knowledge_pack=known, url="https://shop.example", created_by=None)
    figures = reverse("api:agent-metrics-learning", args=[world["agent_type"]])
    signed_in(ada).post(figures, {"success_rate": 0.5}, "application/json")
    return world | {
        "session": session.pk,
        "webhook": delivery.endpoint_id,
        "document": document.pk,
        "pack": known.pk,
        "custody_run": CustodyResult.objects.get().run_id,
        "delivery_id": delivery.pk,
        "tag_id": tag.pk,
        "note_id": session.notes.get().pk,
        "message_id": session.message_rows.filter(role="assistant")[0].pk,
        "the agent": str(world["agent"]),
        "the member": str(world["member"]),
    }


def asked(client, cell, things):
    """Ask, take back what that changed, and return path, answer and content."""
    kwargs = {name: things[name] for name in cell.kwargs[1:] if name in things}
    path = path_of(cell, things)
    if kwargs:
        path = reverse(f"api:{cell.name}", args=[path.split("/")[4], *kwargs.values()])
    if cell.method == "get":
        answer = client.get(path + QUERIES.get(cell.name, ""))
        pieces = answer.streaming_content if answer.streaming else [answer.content]
        return path, answer, b"".join(pieces)
    body = BODIES.get(cell.name) or body_of(cell, things)
    sent = json.dumps(body), "application/json"
    answer, _ = attempt(client, cell.method, path, *sent)
    return path, answer, b"" if answer.streaming else answer.content


def test_every_answer_is_as_it_is_described(seeded, ada, document):
    client, wrong, tried = signed_in(ada), [], 0
    for cell in CELLS:
        path, answer, content = asked(client, cell, seeded)
        if answer.status_code < 300:
            wrong += faults_of(document, cell, path, answer, content)
            tried += 1
        if cell.method == "get" and (
            answer.status_code >= 300 or b'"results":[]' in content
        ):
            wrong.append(f"{cell}: {answer.status_code}, {len(content)} bytes")
    assert wrong == []
    # What was refused shows nothing: nearly all of it has to be done.
    assert tried > 0.9 * len(CELLS)
