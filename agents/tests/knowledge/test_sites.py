"""Sites by REST and in the dashboard."""

import pytest
from django.urls import reverse

from accounts.models import AuditLog
from agents.knowledge.web.crawling import crawl_source
from agents.models import KnowledgeSource, SourcePage
from agents.tests.factories import KnowledgePackFactory
from agents.tests.knowledge.sites import html, serving

pytestmark = pytest.mark.django_db
PACKS = "/api/v1/knowledge-packs/"
SOURCES = "/api/v1/knowledge-sources/"
SITE = "https://shop.example/help"


@pytest.fixture
def pack(harbor):
    return KnowledgePackFactory(organization=harbor)


@pytest.fixture
def url(pack):
    return f"{PACKS}{pack.pk}/sources/"


def post(api, url, body=None, **headers):
    return api.post(url, body or {"url": SITE}, format="json", headers=headers)


def page(name, *args):
    return reverse(f"agents:{name}", args=args)


# --- REST -----------------------------------------------------------------------
def test_a_site_is_added_read_and_shows_how_far_it_is(api, url, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.CRAWL_DELAY_SECONDS = 0
    with serving() as site:
        site.pages["/"] = html("Home", "We roast coffee.", "/lost")
        response = post(api, url, {"url": site.url, "recrawl": "daily"})
        assert response.status_code == 202, response.content
        body = response.json()
        assert (body["status"], body["waiting_count"]) == ("pending", 1)
        crawl_source(body["id"])
    body = api.get(response["Location"]).json()
    assert (body["status"], body["read_count"], body["gone_count"]) == ("done", 1, 1)
    assert body["next_crawl_at"]
    assert api.get(url).json()["results"] == [body]
    first, lost = api.get(f"{SOURCES}{body['id']}/pages/").json()["results"]
    assert (first["state"], lost["state"]) == ("read", "gone")
    document = api.get(f"/api/v1/documents/{first['document_id']}/").json()
    assert document["source_url"] == site.url
    assert lost["cause"] == "The site answers 404: it is not there."


def test_a_repeated_key_adds_one_site(api, url):
    first = post(api, url, **{"Idempotency-Key": "k"})
    again = post(api, url, **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]
    other = post(api, url, {"url": SITE + "/x"}, **{"Idempotency-Key": "k"})
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "ftp://shop.example"}, "/url"),
        ({"url": "https://"}, "/url"),
        ({"url": "https://user:word@shop.example"}, "/url"),
        ({"url": SITE.upper()}, "/url"),
        ({"url": SITE + "/x", "max_pages": 0}, "/max_pages"),
        ({"url": SITE + "/x", "max_pages": 1_001}, "/max_pages"),
        ({"url": SITE + "/x", "max_depth": 6}, "/max_depth"),
        ({"url": SITE + "/x", "recrawl": "hourly"}, "/recrawl"),
        ({"url": SITE + "/x", "status": "done"}, "/status"),
    ],
)
def test_what_is_no_site_is_refused(api, url, body, pointer):
    post(api, url, {"url": "https://shop.example/HELP"})
    response = post(api, url, body)
    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert KnowledgeSource.objects.count() == 1


def test_a_site_is_changed_read_again_and_deleted(api, url):
    source_id = post(api, url).json()["id"]
    mine = f"{SOURCES}{source_id}/"
    changed = api.patch(mine, {"max_pages": 7, "recrawl": "monthly"}, format="json")
    assert (changed.json()["max_pages"], changed.json()["recrawl"]) == (7, "monthly")
    assert api.post(f"{mine}crawl/").status_code == 422
    KnowledgeSource.objects.update(status="failed")
    assert api.post(f"{mine}crawl/").json()["status"] == "pending"
    assert api.delete(mine).status_code == 204
    assert not SourcePage.objects.exists()
    actions = AuditLog.objects.filter(resource_type="knowledge_source")
    assert [row.action for row in actions.order_by("sequence")] == [
        "CREATE",
        "UPDATE",
        "UPDATE",
        "DELETE",
    ]


def test_a_full_organization_takes_no_more_sites(api, url, monkeypatch):
    monkeypatch.setattr("agents.knowledge.web.sites.MAX_SOURCES", 1)
    post(api, url)
    response = post(api, url, {"url": SITE + "/x"})
    assert response.status_code == 403
    assert response.json()["code"] == "source_limit_reached"


@pytest.mark.parametrize("how_many", [1, 20])
def test_lists_of_sites_and_pages_cost_the_same_however_long(
    api, url, how_many, django_assert_num_queries
):
    sites = [post(api, url, {"url": f"{SITE}/{n}"}).json() for n in range(how_many)]
    pages = f"{SOURCES}{sites[0]['id']}/pages/"
    for number in range(how_many):
        SourcePage.objects.create(
            source_id=sites[0]["id"], url=f"{SITE}/0/{number}", depth=1
        )
    api.get(url)
    with django_assert_num_queries(4):  # the key, the pack, the count, the page
        assert len(api.get(url).json()["results"]) == how_many
    with django_assert_num_queries(4):  # the key, the site, the count, the page
        assert len(api.get(pages).json()["results"]) == how_many + 1


# --- Pages ----------------------------------------------------------------------
def test_a_site_is_added_in_the_dashboard(browser_of, ada, pack):
    wish = {"url": SITE, "max_pages": 10, "max_depth": 1, "recrawl": "weekly"}
    client = browser_of(ada)
    response = client.post(page("knowledge_sites", pack.pk), wish)
    source = KnowledgeSource.objects.get()
    assert response["Location"] == page("knowledge_site", pack.pk, source.pk)
    shown = client.get(response["Location"]).content.decode()
    assert "0 of 1" in shown
    assert f'hx-get="{page("site_pages", pack.pk, source.pk)}' in shown
    assert SITE in client.get(page("knowledge_detail", pack.pk)).content.decode()
    again = client.post(page("knowledge_sites", pack.pk), wish)
    assert again.status_code == 422
    assert "already has this site" in again.content.decode()


def test_limits_a_new_crawl_and_an_end_in_the_dashboard(browser_of, ada, pack, api):
    post(api, f"{PACKS}{pack.pk}/sources/")
    source = KnowledgeSource.objects.get()
    KnowledgeSource.objects.update(status="failed", cause="The site answers 500.")
    client, args = browser_of(ada), (pack.pk, source.pk)
    assert (
        "The site answers 500."
        in client.get(page("knowledge_site", *args)).content.decode()
    )
    limits = {"max_pages": 5, "max_depth": 0, "recrawl": "never"}
    client.post(page("knowledge_site", *args), limits)
    client.post(page("crawl_site", *args))
    source.refresh_from_db()
    assert (source.max_pages, source.status) == (5, "pending")
    assert "hx-get" in client.get(page("site_pages", *args)).content.decode()
    client.post(page("delete_site", *args))
    assert not KnowledgeSource.objects.exists()


def test_strangers_and_viewers_change_no_site(browser_of, cy, bo, pack, api):
    post(api, f"{PACKS}{pack.pk}/sources/")
    args = (pack.pk, KnowledgeSource.objects.get().pk)
    for member, refused in ((cy, 404), (bo, 403)):
        client = browser_of(member)
        for name in ("crawl_site", "delete_site", "knowledge_site"):
            assert client.post(page(name, *args)).status_code == refused
        assert client.post(page("knowledge_sites", pack.pk)).status_code == refused
    assert client.get(page("knowledge_site", *args)).status_code == 200
    other = KnowledgePackFactory(organization=pack.organization)
    assert client.get(page("knowledge_site", other.pk, args[1])).status_code == 404
