"""Knowledge packs and documents over HTTP."""

from uuid import uuid4

import pytest

from accounts.models import Scope
from agents.knowledge.indexing import index_document
from agents.models import Document, KnowledgePack
from agents.tests.factories import AgentFactory, DocumentFactory, KnowledgePackFactory
from conftest import client_with_key

pytestmark = pytest.mark.django_db
PACKS = "/api/v1/knowledge-packs/"
TEXT = {"title": "Shipping", "content": "# Abroad\n\nParcels to Graz take three days."}


@pytest.fixture
def pack(harbor):
    return KnowledgePackFactory(organization=harbor, name="Shop")


@pytest.fixture
def url(pack):
    return f"{PACKS}{pack.pk}/documents/"


def post(api, url, body, **headers):
    return api.post(url, body, format="json", headers=headers)


def pointers(response):
    return [error["pointer"] for error in response.json()["errors"]]


# --- Packs ------------------------------------------------------------------
def test_a_pack_is_made_and_read_back(api):
    response = post(api, PACKS, {"name": "Shop", "language": "german"})
    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["name"], body["language"], body["document_count"]) == (
        "Shop",
        "german",
        0,
    )
    assert response["Location"] == f"{PACKS}{body['id']}/"
    assert api.get(response["Location"]).json() == body


@pytest.mark.parametrize("path", [PACKS, PACKS.rstrip("/")])
def test_packs_are_listed_with_and_without_the_last_slash(api, pack, path):
    DocumentFactory.create_batch(2, knowledge_pack=pack)
    body = api.get(path).json()
    assert body["count"] == 1
    assert body["results"][0]["document_count"] == 2


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_list_of_packs_costs_three_queries_however_long(
    api, harbor, how_many, django_assert_num_queries
):
    for pack in KnowledgePackFactory.create_batch(how_many, organization=harbor):
        DocumentFactory(knowledge_pack=pack)
    api.get(PACKS)
    with django_assert_num_queries(3):  # the key, the count, the page
        assert api.get(PACKS).json()["count"] == how_many


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "a\u200bb"}, "/name"),
        ({"name": "x" * 256}, "/name"),
        ({"name": 7}, "/name"),
        ({"name": "shop"}, "/name"),
        ({"name": "New", "language": "klingon"}, "/language"),
        ({"name": "New", "id": "7"}, "/id"),
        ({"name": "New", "document_count": 7}, "/document_count"),
    ],
)
def test_what_is_no_pack_is_refused(api, pack, body, pointer):
    response = post(api, PACKS, body)
    assert response.status_code == 400
    assert pointer in pointers(response)
    assert KnowledgePack.objects.count() == 1


def test_a_pack_is_edited(api, pack):
    response = api.patch(f"{PACKS}{pack.pk}/", {"description": "All"}, format="json")
    assert response.status_code == 200
    assert (response.json()["name"], response.json()["description"]) == ("Shop", "All")


def test_a_pack_is_deleted_when_no_agent_needs_it_or_it_is_detached(api, pack):
    agent = AgentFactory(organization=pack.organization, knowledge_pack_id=pack.pk)
    response = api.delete(f"{PACKS}{pack.pk}/")
    assert response.status_code == 422
    assert response.json()["agents"] == 1
    assert api.delete(f"{PACKS}{pack.pk}/?detach=perhaps").status_code == 400
    assert api.delete(f"{PACKS}{pack.pk}/?detach=true").status_code == 204
    agent.refresh_from_db()
    assert agent.knowledge_pack is None


# --- Documents --------------------------------------------------------------
def test_a_document_is_added_and_read_back(api, url):
    response = post(api, url, TEXT | {"source_url": "https://shop.example/shipping"})
    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["title"], body["content"]) == (TEXT["title"], TEXT["content"])
    assert (body["status"], body["error"]) == ("pending", None)
    assert api.get(response["Location"]).json() == body


def test_a_repeated_key_is_answered_with_the_first_document(api, url):
    first = post(api, url, TEXT, **{"Idempotency-Key": "k"})
    again = post(api, url, TEXT, **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    other = post(api, url, TEXT | {"title": "Other"}, **{"Idempotency-Key": "k"})
    assert other.status_code == 422
    in_body = post(api, url, TEXT | {"idempotency_key": "k"})
    assert in_body.status_code == 200


def test_the_same_text_twice_names_the_content(api, url):
    post(api, url, TEXT)
    response = post(api, url, TEXT)
    assert response.status_code == 400
    assert response.json()["errors"][0] == {
        "pointer": "/content",
        "code": "duplicate_document",
        "detail": "This pack already has a document with the same content.",
    }


def test_a_full_organization_is_told_its_limit(api, url, harbor):
    harbor.max_documents = 0
    harbor.save()
    response = post(api, url, TEXT)
    assert response.status_code == 403
    body = response.json()
    assert body["type"].endswith("/document-limit-reached")
    assert (body["limit"], body["used"]) == (0, 0)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"content": None}, "/content"),
        ({"content": "   "}, "/content"),
        ({"content": "a\u0000b"}, "/content"),
        ({"content": ["a"]}, "/content"),
        ({"source_url": "javascript:alert(1)"}, "/source_url"),
        ({"status": "done"}, "/status"),
        ({"content_hash": "0" * 64}, "/content_hash"),
        ({"idempotency_key": "with space"}, "/idempotency_key"),
    ],
)
def test_what_is_no_document_is_refused(api, url, change, pointer):
    response = post(api, url, TEXT | change)
    assert response.status_code == 400
    assert pointers(response) == [pointer]
    assert not Document.objects.exists()


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_list_of_documents_costs_four_queries_however_long(
    api, pack, url, how_many, django_assert_num_queries
):
    DocumentFactory.create_batch(how_many, knowledge_pack=pack)
    api.get(url)
    with django_assert_num_queries(4):  # the key, the pack, the count, the page
        body = api.get(url).json()
    assert body["count"] == how_many
    assert "content" not in body["results"][0]


def test_documents_are_read_on_with_a_cursor(api, pack, url):
    DocumentFactory.create_batch(3, knowledge_pack=pack)
    first = api.get(url, {"cursor": "", "limit": 2}).json()
    second = api.get(first["next"]).json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert len(set(ids)) == 3
    assert second["next"] is None


def test_a_document_that_failed_says_so_without_the_reason(api, pack, url):
    DocumentFactory(knowledge_pack=pack, status="failed", last_error="psycopg.Error")
    response = api.get(url)
    assert response.json()["results"][0]["error"] == (
        "This document could not be indexed."
    )
    assert b"psycopg" not in response.content


def test_a_document_is_deleted(api, pack):
    document = DocumentFactory(knowledge_pack=pack)
    assert api.delete(f"/api/v1/documents/{document.pk}/").status_code == 204
    assert api.get(f"/api/v1/documents/{document.pk}/").status_code == 404


# --- Search -----------------------------------------------------------------
def test_search_shows_what_an_agent_would_read(api, pack, url):
    index_document(post(api, url, TEXT).json()["id"])
    response = api.get(f"{PACKS}{pack.pk}/search/", {"q": "How long to Graz?"})
    (passage,) = response.json()["results"]
    assert passage["title"] == "Shipping"
    assert passage["heading"] == "Abroad"
    assert passage["text"] == "Parcels to Graz take three days."


@pytest.mark.parametrize("question", ["", "  ", "x" * 4001, "a\x00b"])
def test_search_needs_a_question(api, pack, question):
    response = api.get(f"{PACKS}{pack.pk}/search/", {"q": question})
    assert response.status_code == 400
    assert pointers(response) == ["/q"]


# --- Who may ----------------------------------------------------------------
def every_call(client, pack, document):
    base = f"{PACKS}{pack.pk}/"
    yield "read", client.get(base)
    yield "read", client.get(f"{base}documents/")
    yield "read", client.get(f"{base}search/", {"q": "Graz"})
    yield "read", client.get(f"/api/v1/documents/{document.pk}/")
    yield "write", client.patch(base, {"name": "Theirs"}, format="json")
    yield "write", client.post(f"{base}documents/", TEXT, format="json")
    yield "write", client.delete(f"/api/v1/documents/{document.pk}/")
    yield "write", client.delete(base)


def test_a_stranger_finds_nothing(stranger_api, pack):
    document = DocumentFactory(knowledge_pack=pack)
    for _, response in every_call(stranger_api, pack, document):
        assert response.status_code == 404
    assert stranger_api.get(PACKS).json()["results"] == []
    assert Document.objects.filter(pk=document.pk).exists()


def test_what_is_not_mine_looks_like_what_does_not_exist(stranger_api, pack):
    theirs = stranger_api.get(f"{PACKS}{pack.pk}/").json()
    nothing = stranger_api.get(f"{PACKS}{uuid4()}/").json()
    for body in (theirs, nothing):
        del body["instance"], body["request_id"]
    assert theirs == nothing


def test_a_viewer_reads_and_changes_nothing(viewer_api, pack):
    document = DocumentFactory(knowledge_pack=pack)
    for kind, response in every_call(viewer_api, pack, document):
        assert response.status_code == (200 if kind == "read" else 403)


def test_nobody_is_asked_to_sign_in(client, pack):
    document = DocumentFactory(knowledge_pack=pack)
    for _, response in every_call(client, pack, document):
        assert response.status_code == 401


def test_a_key_without_the_scope_is_refused(ada, pack):
    api = client_with_key(ada, scopes=[Scope.AGENTS_READ])
    assert post(api, f"{PACKS}{pack.pk}/documents/", TEXT).status_code == 403
    api = client_with_key(ada, scopes=[Scope.KNOWLEDGE_WRITE])
    assert api.get(f"{PACKS}{pack.pk}/").status_code == 403


def test_a_key_bound_to_one_agent_opens_no_pack(ada, pack):
    agent = AgentFactory(organization=pack.organization)
    api = client_with_key(ada, agent_public_id=agent.public_id)
    document = DocumentFactory(knowledge_pack=pack)
    for _, response in every_call(api, pack, document):
        assert response.status_code == 403


def test_an_unknown_parameter_is_refused(api, pack):
    assert api.get(PACKS, {"nmae": "Shop"}).status_code == 400


@pytest.mark.parametrize(
    "pack_id", ["7", "x", "١" * 8, "0198F000-0000-7000-8000-00000000000A"]
)
def test_an_address_that_is_no_id_is_nowhere(api, pack_id):
    response = api.get(f"{PACKS}{pack_id}/")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
