"""Uploaded files: judged at the door, read by a worker, ready or failed."""

import pytest
from django.urls import reverse

from accounts.models import AuditLog
from agents.knowledge import documents, uploads
from agents.knowledge.embedding_jobs import embed_pack, want_vectors
from agents.knowledge.indexing import index_document
from agents.models import Chunk, Document, DocumentFile, KnowledgePack, VectorIndex
from agents.tests import files
from agents.tests.factories import AgentFactory, DocumentFactory, KnowledgePackFactory

pytestmark = pytest.mark.django_db
PACKS = "/api/v1/knowledge-packs/"
PLAIN = "# Abroad\n\nParcels to Graz take three days.\n"


@pytest.fixture
def pack(harbor):
    return KnowledgePackFactory(organization=harbor)


@pytest.fixture
def url(pack):
    return f"{PACKS}{pack.pk}/documents/"


def send(api, url, name="shipping_times.md", content=PLAIN, headers=None, **fields):
    body = {"file": files.named(name, content)} | fields
    return api.post(url, body, format="multipart", headers=headers)


def upload(pack, name="shipping_times.md", content=PLAIN) -> Document:
    file = files.named(name, content)
    return uploads.upload_document(knowledge_pack=pack, file=file, created_by=None)[0]


def status_of(pack):
    return KnowledgePack.objects.get(pk=pack.pk).vector_store_status


# --- At the door ----------------------------------------------------------------
def test_a_file_becomes_a_document_that_waits_to_be_read(api, url):
    response = send(api, url)
    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["title"], body["status"], body["origin"], body["content"]) == (
        "shipping times",
        "pending",
        "file",
        "",
    )
    assert (body["media_type"], body["file_name"], body["byte_size"]) == (
        "text/markdown",
        "shipping_times.md",
        len(PLAIN),
    )
    entry = AuditLog.objects.get(resource_type="document")
    assert entry.detail.changes["file_name"]["new"] == "shipping_times.md"
    assert "Graz" not in str(entry.detail.changes)


def test_a_worker_reads_it_and_takes_its_title_from_the_text(api, url):
    document_id = send(api, url).json()["id"]
    index_document(document_id)
    body = api.get(f"/api/v1/documents/{document_id}/").json()
    assert (body["status"], body["title"], body["error"]) == ("done", "Abroad", None)
    assert body["content"] == PLAIN.strip()
    passages = api.get(f"/api/v1/documents/{document_id}/passages/").json()
    assert [each["text"] for each in passages["results"]] == [
        "Parcels to Graz take three days."
    ]
    paged = api.get(f"/api/v1/documents/{document_id}/passages/?cursor=")
    assert paged.status_code == 400


def test_what_is_left_out_of_a_file_is_told(api, browser_of, ada, pack, url):
    page = "<p>Three days.</p><img src='a.png'><nav>Home</nav>"
    response = send(api, url, name="a.html", content=page)
    assert response.json()["left_out"] == []
    document_id = response.json()["id"]
    index_document(document_id)
    told = ["menus", "1 picture without a description"]
    assert api.get(f"/api/v1/documents/{document_id}/").json()["left_out"] == told
    shown = browser_of(ada).get(
        reverse("agents:knowledge_document", args=[pack.pk, document_id])
    )
    assert "<li>1 picture without a description</li>" in shown.content.decode()


def test_a_title_that_was_given_is_kept(api, url):
    document_id = send(api, url, title="Our terms").json()["id"]
    index_document(document_id)
    assert Document.objects.get().title == "Our terms"


def test_a_file_comes_back_as_it_was_and_is_never_shown(api, url):
    page = "<html><body><p>Hello <script>alert(1)</script></p></body></html>"
    document_id = send(api, url, "../x/Größe\u202e.html", page).json()["id"]
    response = api.get(f"/api/v1/documents/{document_id}/file/")
    assert response.content.decode() == page
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment;")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert Document.objects.get().file_name == "Größe.html"


def test_a_text_has_no_file(api, pack):
    document = DocumentFactory(knowledge_pack=pack)
    assert api.get(f"/api/v1/documents/{document.pk}/file/").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("a.pdf", b"\x89PNG\r\n\x1a\n", 400, "unreadable_file"),
        ("a.txt", b"", 400, "unreadable_file"),
        ("a.txt", b"x" * 2_001, 413, "file_too_large"),
        ("a.xml", b"<?xml version='1.0'?><urlset/>", 400, "unreadable_file"),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(
    api, url, settings, name, content, status, code
):
    settings.UPLOAD_MAX_BYTES = 2_000
    response = send(api, url, name, content)
    assert response.status_code == status
    assert response.json()["errors"][0]["pointer"] == "/file"
    assert response.json()["errors"][0]["code"] == code
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": "x" * 501}, "/title"),
        ({"title": "a\u200bb"}, "/title"),
        ({"source_url": "javascript:alert(1)"}, "/source_url"),
        ({"status": "done"}, "/status"),
        ({"file": "no file"}, "/file"),
    ],
)
def test_wrong_fields_beside_a_file_are_refused(api, url, fields, pointer):
    response = send(api, url, **fields)
    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_a_repeated_key_returns_the_first_document(api, url):
    key = {"Idempotency-Key": "k"}
    first, again = send(api, url, headers=key), send(api, url, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = send(api, url, content="# Other", headers=key)
    assert other.status_code == 422


def test_the_same_file_is_refused_whatever_its_name(api, url):
    send(api, url)
    response = send(api, url, "other.md")
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "duplicate_document"
    assert response.json()["twin_title"] == "shipping times"


def test_a_full_organization_takes_no_file(api, url, harbor):
    harbor.max_documents = 0
    harbor.save()
    assert send(api, url).status_code == 403
    assert not DocumentFile.objects.exists()


def test_a_stranger_uploads_nothing(stranger_api, url):
    assert send(stranger_api, url).status_code == 404
    assert not Document.objects.exists()


def test_several_files_are_added_each_for_itself(pack):
    given = [
        files.named("a.md", PLAIN),
        files.named("b.png", b"\x89PNG\r\n\x1a\n"),
        files.named("c.md", "# Other\n\nText."),
    ]
    result = uploads.upload_files(knowledge_pack=pack, files=given, created_by=None)
    assert [each.file_name for each in result.added] == ["a.md", "c.md"]
    assert [name for name, _ in result.refused] == ["b.png"]


# --- In the worker --------------------------------------------------------------
def test_a_file_nobody_can_read_fails_once_with_its_cause(api, pack):
    document = upload(pack, "locked.pdf", files.locked_pdf())
    index_document(str(document.pk))
    body = api.get(f"/api/v1/documents/{document.pk}/").json()
    assert (body["status"], body["error"]) == (
        "failed",
        "The PDF is protected by a password.",
    )
    assert Document.objects.get().attempt == 1
    assert status_of(pack) == "failed"


def test_a_file_with_a_text_that_is_there_already_says_so(pack):
    DocumentFactory(knowledge_pack=pack, title="Old", content=PLAIN.strip())
    document = upload(pack, content="\ufeff" + PLAIN.replace("\n", "\r\n"))
    index_document(str(document.pk))
    document.refresh_from_db()
    assert document.status == "failed"
    assert document.cause == "Its text is that of another document here, “Old”."


def test_a_failed_document_is_tried_again(api, viewer_api, pack):
    document = upload(pack, "locked.pdf", files.locked_pdf())
    again = f"/api/v1/documents/{document.pk}/try-again/"
    assert api.post(again).status_code == 422
    index_document(str(document.pk))
    assert viewer_api.post(again).status_code == 403
    assert api.post(again).json()["status"] == "pending"
    DocumentFile.objects.update(content=files.pdf("Now it opens."))
    index_document(str(document.pk))
    assert Document.objects.get().content == "Now it opens."


def test_a_deleted_document_takes_its_file_along(pack):
    documents.delete_document(document=upload(pack), actor=None)
    assert not DocumentFile.objects.exists()


# --- Readiness ------------------------------------------------------------------
def test_an_agent_shows_how_far_its_knowledge_is(api, pack):
    agent = AgentFactory(organization=pack.organization, knowledge_pack_id=pack.pk)
    seen = []

    def look():
        read = api.get(f"/api/v1/agents/{agent.public_id}/").json()
        (listed,) = api.get("/api/v1/agents/").json()["results"]
        assert read["vector_store_status"] == listed["vector_store_status"]
        seen.append(read["vector_store_status"])

    look()
    document = upload(pack)
    look()
    index_document(str(document.pk))
    look()
    embed_pack(str(pack.pk))
    look()
    documents.delete_document(document=document, actor=None)
    look()
    assert seen == ["none", "pending", "pending", "ready", "none"]


def test_an_agent_without_a_pack_has_no_vector_store(api, harbor):
    agent = AgentFactory(organization=harbor)
    body = api.get(f"/api/v1/agents/{agent.public_id}/").json()
    assert body["vector_store_status"] == "none"


def test_vectors_nobody_can_make_are_told(pack, settings):
    index_document(str(upload(pack).pk))
    settings.EMBEDDINGS = "wordllama"
    VectorIndex.objects.update(last_error="No vectors: the provider is away.")
    want_vectors(pack.pk)
    assert status_of(pack) == "failed"
    embed_pack(str(pack.pk))
    assert status_of(pack) == "ready"


def test_a_new_agent_has_the_vectors_made_that_its_pack_lacks(pack):
    index_document(str(upload(pack).pk))
    VectorIndex.objects.all().delete()
    AgentFactory(organization=pack.organization, knowledge_pack_id=pack.pk)
    assert VectorIndex.objects.get().status == "pending"
    embed_pack(str(pack.pk))
    assert not Chunk.objects.filter(embedding=None).exists()
    assert status_of(pack) == "ready"
