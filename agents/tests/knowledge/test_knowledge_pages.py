"""The pages about knowledge packs."""

import pytest
from django.urls import reverse

from accounts.models.lifecycle import WorkStatus
from agents.models import Document, KnowledgePack
from agents.tests.factories import (
    AgentFactory,
    DocumentFactory,
    KnowledgePackFactory,
    filled_pack,
)
from agents.tests.files import named
from agents.tests.shop import RETURNS, SHIPPING

LIST = reverse("agents:knowledge_list")
TEXT = {"title": "Shipping times", "content": "Parcels to Austria take 3 days."}


@pytest.fixture
def pack(harbor):
    return KnowledgePackFactory(organization=harbor, name="Shipping and returns")


def page_of(pack):
    return reverse("agents:knowledge_detail", args=[pack.pk])


def test_a_new_pack_is_made(browser_of, ada):
    wish = {"name": "Shipping", "language": "german"}
    response = browser_of(ada).post(LIST, wish)
    pack = KnowledgePack.objects.get()
    assert (pack.name, pack.language) == ("Shipping", "german")
    assert response["Location"] == page_of(pack)


def test_a_taken_name_is_refused_in_the_form(browser_of, ada, pack):
    wish = {"name": "SHIPPING AND RETURNS", "language": "english"}
    page = browser_of(ada).post(LIST, wish).content.decode()
    assert "Another knowledge pack already has this name" in page


def test_a_text_is_added_and_waits_for_its_index(browser_of, ada, pack):
    page = browser_of(ada).post(page_of(pack), TEXT, follow=True).content.decode()
    assert Document.objects.get().content == TEXT["content"]
    assert "Waiting" in page


def test_the_page_asks_again_until_every_text_is_indexed(browser_of, ada, pack):
    document = DocumentFactory(knowledge_pack=pack)
    url = reverse("agents:knowledge_documents", args=[pack.pk])
    client = browser_of(ada)
    assert f'hx-get="{url}' in client.get(url).content.decode()
    Document.objects.filter(pk=document.pk).update(status=WorkStatus.DONE)
    assert "hx-get" not in client.get(url).content.decode()


def test_the_same_text_is_not_added_twice(browser_of, ada, pack):
    client = browser_of(ada)
    client.post(page_of(pack), TEXT)
    page = client.post(page_of(pack), TEXT | {"title": "Again"}).content.decode()
    assert "already has a document with the same content" in page
    assert Document.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"title": ""}, "This field is required"),
        ({"content": " "}, "This field is required"),
        ({"source_url": "javascript:alert(1)"}, "Enter a valid URL"),
    ],
)
def test_a_wrong_text_is_not_added(browser_of, ada, pack, wrong, words):
    page = browser_of(ada).post(page_of(pack), TEXT | wrong).content.decode()
    assert words in page
    assert not Document.objects.exists()


def test_a_document_is_deleted(browser_of, ada, pack):
    document = DocumentFactory(knowledge_pack=pack)
    url = reverse("agents:delete_document", args=[pack.pk, document.pk])
    browser_of(ada).post(url)
    assert not Document.objects.exists()


@pytest.mark.parametrize("name", ["knowledge_detail", "knowledge_documents"])
def test_a_stranger_sees_no_page_of_a_pack(browser_of, cy, pack, name):
    url = reverse(f"agents:{name}", args=[pack.pk])
    assert browser_of(cy).get(url).status_code == 404


def test_a_stranger_adds_and_deletes_nothing(browser_of, cy, pack):
    document = DocumentFactory(knowledge_pack=pack)
    url = reverse("agents:delete_document", args=[pack.pk, document.pk])
    client = browser_of(cy)
    assert client.post(page_of(pack), TEXT).status_code == 404
    assert client.post(url).status_code == 404
    assert list(Document.objects.all()) == [document]


def test_a_viewer_reads_and_changes_nothing(browser_of, bo, pack):
    client = browser_of(bo)
    assert client.get(page_of(pack)).status_code == 200
    assert client.post(page_of(pack), TEXT).status_code == 403
    assert client.post(LIST, {"name": "New"}).status_code == 403


def test_another_organizations_packs_are_not_listed(browser_of, cy, pack):
    assert pack.name not in browser_of(cy).get(LIST).content.decode()


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_list_costs_the_same_however_long(
    browser_of, ada, harbor, how_many, django_assert_num_queries
):
    for _ in range(how_many):
        DocumentFactory(knowledge_pack=KnowledgePackFactory(organization=harbor))
    client = browser_of(ada)
    client.get(LIST)
    # The session, the user, the memberships; the count, the page.
    with django_assert_num_queries(5):
        client.get(LIST)


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_packs_page_costs_the_same_however_much_is_in_it(
    browser_of, ada, harbor, pack, how_many, django_assert_num_queries
):
    for _ in range(how_many):
        DocumentFactory(knowledge_pack=pack)
        AgentFactory(organization=harbor, knowledge_pack_id=pack.pk)
    client = browser_of(ada)
    client.get(page_of(pack))
    # The session, the user, the memberships, the pack; its agents, the count and
    # the page of its documents, those that wait; its sites.
    with django_assert_num_queries(9):
        client.get(page_of(pack))


# --- Files, a document's page, and what a question finds ------------------------
def test_files_are_added_and_the_refused_ones_say_why(browser_of, ada, pack):
    given = [
        named("returns.md", "# Returns\n\nWithin 30 days."),
        named("logo.png", b"\x89PNG\r\n\x1a\n"),
    ]
    url = reverse("agents:upload", args=[pack.pk])
    page = browser_of(ada).post(url, {"files": given}, follow=True).content.decode()
    assert "1 file is added" in page
    assert "logo.png: This is a picture" in page
    assert Document.objects.get().file_name == "returns.md"


def test_a_form_without_files_adds_nothing(browser_of, ada, pack):
    url = reverse("agents:upload", args=[pack.pk])
    page = browser_of(ada).post(url, follow=True).content.decode()
    assert "Choose one file at least" in page


def test_a_document_page_shows_passages_and_where_a_question_finds_them(
    browser_of, ada, harbor
):
    pack = filled_pack(SHIPPING, RETURNS, organization=harbor)
    document = pack.documents.get(title="Shipping")
    url = reverse("agents:knowledge_document", args=[pack.pk, document.pk])
    client = browser_of(ada)
    page = client.get(url, {"q": "no plastic packaging"}).content.decode()
    assert "We use no plastic." in page
    assert "Place 1" in page
    assert "By its words 1, by its sense 1." in page
    other = client.get(url, {"q": "\x00"}).content.decode()
    assert "Place" not in other


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_question_shows_what_an_answer_would_be_made_from(
    browser_of, ada, harbor, headers
):
    pack = filled_pack(SHIPPING, RETURNS, organization=harbor)
    url = reverse("agents:knowledge_search", args=[pack.pk])
    client = browser_of(ada)
    page = client.get(url, {"q": "no plastic packaging"}, headers=headers)
    assert "Shipping &gt; Packaging" in page.content.decode()
    assert ("<html" in page.content.decode()) is (not headers)
    nothing = client.get(url, {"q": "quantum chromodynamics"}, headers=headers)
    assert "does not know" in nothing.content.decode()


def test_a_failed_document_says_why_and_is_tried_again(browser_of, ada, pack):
    cause = "The PDF is protected by a password."
    document = DocumentFactory(knowledge_pack=pack, status="failed", cause=cause)
    client = browser_of(ada)
    assert cause in client.get(page_of(pack)).content.decode()
    page = client.get(reverse("agents:knowledge_document", args=[pack.pk, document.pk]))
    assert cause in page.content.decode()
    client.post(reverse("agents:retry_document", args=[pack.pk, document.pk]))
    assert Document.objects.get().status == "pending"


def test_a_file_is_handed_back(browser_of, ada, pack):
    client = browser_of(ada)
    files = {"files": [named("returns.md", "# Returns")]}
    client.post(reverse("agents:upload", args=[pack.pk]), files)
    args = [pack.pk, Document.objects.get().pk]
    answer = client.get(reverse("agents:document_file", args=args))
    assert answer.content == b"# Returns"
    text = DocumentFactory(knowledge_pack=pack)
    url = reverse("agents:document_file", args=[pack.pk, text.pk])
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "name", ["knowledge_document", "document_file", "retry_document"]
)
def test_a_stranger_reaches_no_document(browser_of, cy, pack, name):
    document = DocumentFactory(knowledge_pack=pack, status="failed")
    url = reverse(f"agents:{name}", args=[pack.pk, document.pk])
    client = browser_of(cy)
    answer = client.post(url) if name == "retry_document" else client.get(url)
    assert answer.status_code == 404
    assert (
        client.get(reverse("agents:knowledge_search", args=[pack.pk])).status_code
        == 404
    )
    assert client.post(reverse("agents:upload", args=[pack.pk])).status_code == 404


def test_a_viewer_adds_no_files(browser_of, bo, pack):
    answer = browser_of(bo).post(reverse("agents:upload", args=[pack.pk]))
    assert answer.status_code == 403


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_document_page_costs_the_same_however_long_the_document(
    browser_of, ada, harbor, how_many, django_assert_num_queries
):
    text = "\n".join(f"# Part {n}\n\nText {n}." for n in range(how_many))
    pack = filled_pack(text, organization=harbor)
    url = reverse("agents:knowledge_document", args=[pack.pk, pack.documents.get().pk])
    client = browser_of(ada)
    client.get(url)
    # The session, the user, the memberships, the pack, the document; the count and
    # the page of its passages.
    with django_assert_num_queries(7):
        client.get(url)
