"""The pages about knowledge packs."""

import pytest
from django.urls import reverse

from accounts.models.lifecycle import WorkStatus
from agents.models import Document, KnowledgePack
from agents.tests.factories import AgentFactory, DocumentFactory, KnowledgePackFactory

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
    # the page of its documents, those that wait.
    with django_assert_num_queries(8):
        client.get(page_of(pack))
