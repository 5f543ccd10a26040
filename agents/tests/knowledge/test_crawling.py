"""Sites are read page by page, politely, and without leaving them."""

import gzip
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditLog
from agents.knowledge.documents import delete_document
from agents.knowledge.indexing import index_document
from agents.knowledge.web import crawling, fetching, sites
from agents.knowledge.web.crawling import crawl_source
from agents.models import Document, KnowledgeSource, SourcePage
from agents.replies.sweep import resend
from agents.tests import files
from agents.tests.factories import DocumentFactory, KnowledgePackFactory
from agents.tests.knowledge.sites import html, serving

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def open_loopback(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.CRAWL_DELAY_SECONDS = 0


@pytest.fixture
def pack():
    return KnowledgePackFactory()


@pytest.fixture
def site():
    with serving() as site:
        site.pages["/"] = html("Home", "We roast coffee.", "/shipping", "/returns")
        site.pages["/shipping"] = html("Shipping", "Three days.", "/", "/shipping#a")
        site.pages["/returns"] = html("Returns", "Thirty days.")
        yield site


def add(pack, url, **fields) -> KnowledgeSource:
    fields = {"created_by": None} | fields
    return sites.create_source(knowledge_pack=pack, url=url, **fields)[0]


def crawl(source) -> KnowledgeSource:
    crawl_source(str(source.pk))
    source.refresh_from_db()
    return source


def again(source) -> KnowledgeSource:
    sites.crawl_again(source=source, actor=None)
    return crawl(source)


def states(source) -> dict[str, str]:
    start = len(source.url) - 1
    return {page.url[start:]: page.state for page in source.pages.all()}


def causes(source) -> dict[str, str]:
    return {page.url[len(source.url) - 1 :]: page.cause for page in source.pages.all()}


# --- Reading a site -------------------------------------------------------------
def test_every_page_of_a_site_becomes_a_document(pack, site):
    source = crawl(add(pack, site.url))
    assert (source.status, source.cause) == ("done", "")
    documents = {each.source_url: each for each in Document.objects.all()}
    assert set(documents) == {site.url + path for path in ("", "shipping", "returns")}
    shipping = documents[site.url + "shipping"]
    assert (shipping.title, shipping.origin) == ("Shipping", "page")
    assert shipping.content == "# Shipping\n\nThree days."
    index_document(str(shipping.pk))
    shipping.refresh_from_db()
    assert shipping.status == "done"


def test_a_crawl_is_recorded_as_one_change_when_it_ends(pack, site):
    source = add(pack, site.url)
    crawl(source)
    row = AuditLog.objects.get(resource_id=str(source.pk), action="UPDATE")
    assert (row.actor_type, row.resource_type) == ("system", "knowledge_source")
    assert row.detail.metadata["pages"] == {"read": 3}


def test_every_page_is_asked_for_once_and_by_our_name(pack, site):
    crawl(add(pack, site.url))
    assert site.paths == ["/robots.txt", "/", "/shipping", "/returns"]
    assert site.asked[1][1]["User-Agent"].startswith("YourAgent/1 (+http")


@pytest.mark.parametrize(
    ("limits", "read"),
    [
        ({"max_depth": 0}, ["/"]),
        ({"max_depth": 1}, ["/", "/shipping", "/returns"]),
        ({"max_pages": 2}, ["/", "/shipping"]),
    ],
)
def test_a_crawl_ends_at_its_limits(pack, site, limits, read):
    site.pages["/returns"] = html("Returns", "Thirty days.", "/deep")
    site.pages["/deep"] = html("Deep", "Here.")
    assert list(states(crawl(add(pack, site.url, **limits)))) == read


def test_a_sitemap_names_the_pages_that_are_read(pack, site):
    entries = "".join(
        f"<url><loc>{site.url}{path}</loc></url>" for path in ("shipping", "terms.pdf")
    )
    site.pages["/map.xml.gz"] = gzip.compress(f"<urlset>{entries}</urlset>".encode())
    site.pages["/index.xml"] = (
        f"<sitemapindex><sitemap><loc>{site.url}map.xml.gz</loc></sitemap>"
        "</sitemapindex>"
    )
    site.pages["/terms.pdf"] = files.pdf("Our terms.")
    source = crawl(add(pack, site.url + "index.xml"))
    read = dict(Document.objects.values_list("source_url", "content"))
    assert read == {
        site.url + "shipping": "# Shipping\n\nThree days.",
        site.url + "terms.pdf": "Our terms.",
    }
    assert source.status == "done"
    assert "/" not in site.paths


def test_a_site_with_nothing_to_read_fails_with_the_reason(pack, site):
    site.pages["/"] = (500, {}, "broken")
    source = crawl(add(pack, site.url))
    assert (source.status, source.cause) == ("failed", "The site answers 500.")


# --- Manners --------------------------------------------------------------------
def test_robots_txt_is_obeyed(pack, site):
    site.pages["/robots.txt"] = (
        "User-agent: other\nDisallow: /\n\n"
        "User-agent: youragent\nDisallow: /r\nAllow: /returns$\n"
    )
    site.pages["/"] = html("Home", "We roast.", "/returns", "/rest", "/shipping")
    source = crawl(add(pack, site.url))
    assert states(source)["/rest"] == "skipped"
    assert "robots.txt" in causes(source)["/rest"]
    assert states(source)["/returns"] == "read"
    assert "/rest" not in site.paths


@pytest.mark.parametrize("robots", [(500, {}, ""), (503, {"Retry-After": "9"}, "")])
def test_a_site_whose_robots_txt_fails_is_not_read(pack, site, robots):
    site.pages["/robots.txt"] = robots
    crawl(add(pack, site.url))
    assert site.paths == ["/robots.txt"]
    assert not Document.objects.exists()


def test_a_page_that_asks_not_to_be_kept_is_not(pack, site):
    meta = '<meta name="robots" content="noindex, nofollow">'
    site.pages["/shipping"] = html("Shipping", "Three.", "/hidden", head=meta)
    site.pages["/returns"] = (200, {"X-Robots-Tag": "noindex"}, html("R", "Thirty."))
    source = crawl(add(pack, site.url))
    assert states(source) == {
        "/": "read",
        "/shipping": "skipped",
        "/returns": "skipped",
    }


def test_a_busy_site_is_left_alone_for_as_long_as_it_asks(pack, site):
    site.pages["/shipping"] = (429, {"Retry-After": "120"}, "")
    source = crawl(add(pack, site.url))
    assert source.status == "pending"
    wait = source.run_after - timezone.now()
    assert timedelta(seconds=100) < wait < timedelta(seconds=121)
    for _ in range(2):
        KnowledgeSource.objects.update(run_after=timezone.now())
        crawl(source)
    assert states(source)["/shipping"] == "failed"
    assert source.status == "done"


def test_pages_are_asked_for_with_a_pause_between(pack, site, settings):
    settings.CRAWL_DELAY_SECONDS = 0.1
    begun = timezone.now()
    crawl(add(pack, site.url))
    assert timezone.now() - begun > timedelta(seconds=0.3)


# --- Staying on the site --------------------------------------------------------
def test_a_link_or_redirect_to_another_site_is_not_followed(pack, site):
    with serving() as other:
        other.pages["/x"] = html("Other", "Not ours.")
        site.pages["/"] = html("Home", "We roast.", other.url + "x", "/away", "/moved")
        site.pages["/away"] = (302, {"Location": other.url + "x"}, "")
        site.pages["/moved"] = (301, {"Location": "/shipping"}, "")
        source = crawl(add(pack, site.url))
        assert other.asked == []
    assert causes(source)["/away"] == "It leads to another site."
    assert states(source) == {"/": "read", "/away": "skipped", "/shipping": "read"}


def test_inner_addresses_are_refused_at_every_hop(pack, site, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    source = crawl(add(pack, site.url))
    assert source.status == "failed"
    assert "no public address" in source.cause
    assert site.asked == []


def test_a_name_that_changes_its_address_meanwhile_is_vetted_again(pack, site):
    answers = iter([["127.0.0.1"], ["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1"]])
    source = add(pack, site.url.replace("127.0.0.1", "shop.example"))
    crawl_source(str(source.pk), resolver=lambda host, port: next(answers))
    source.refresh_from_db()
    found = dict(source.pages.values_list("depth", "cause"))
    assert found == {0: "", 1: "The host has no public address."}


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("/a?utm_source=x&b=1#c", "/a?b=1"),
        ("/ä b", "/%C3%A4%20b"),
        ("//127.0.0.1/x", None),
        ("http://u:p@127.0.0.1/", None),
        ("mailto:a@b.example", None),
        ("/logo.png", None),
    ],
)
def test_links_are_written_in_one_way_or_left_out(pack, site, url, place):
    site.pages["/"] = html("Home", "We roast.", url)
    source = crawl(add(pack, site.url, max_depth=1))
    assert list(states(source))[1:] == ([place] if place else [])


# --- Sites that misbehave -------------------------------------------------------
def cut(talk):
    talk.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<p>half")


def endless(talk):
    talk.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        talk.wfile.write(b"x" * 65_536)


def silent(talk):
    talk.rfile.read(1)


def gibberish(talk):
    talk.wfile.write(b"\x00\xff no http at all\r\n\r\n")


@pytest.mark.parametrize(
    ("page", "cause"),
    [
        (cut, "The connection was cut before an answer came."),
        (endless, "The answer is larger than 100,000 bytes."),
        (silent, "No answer within 0.5 s."),
        (gibberish, "The connection was cut before an answer came."),
        ((302, {"Location": "/shipping"}, ""), "more than 5 times"),
        ((200, {}, gzip.compress(b" " * 9_000_000)), "unpacks to more than 100,000"),
        ((200, {"Content-Encoding": "br"}, "x"), "packed in a way"),
        ((200, {}, b"\x89PNG\r\n\x1a\n"), "This is a picture"),
        ((200, {}, b"%PDF-1.4 broken"), "The PDF is damaged"),
        ((200, {}, "<html><body>" + "<div>" * 50_000), ""),
    ],
)
def test_a_page_that_misbehaves_costs_only_itself(pack, site, monkeypatch, page, cause):
    monkeypatch.setattr(fetching, "SECONDS", 0.5)
    monkeypatch.setattr(fetching, "MAX_PAGE_BYTES", 100_000)
    site.pages["/shipping"] = page
    source = crawl(add(pack, site.url))
    assert cause in causes(source)["/shipping"]
    assert states(source)["/returns"] == "read"
    assert source.status == "done"


# --- Reading it again -----------------------------------------------------------
def test_a_page_that_changed_is_indexed_anew_and_the_others_are_not(pack, site):
    source = crawl(add(pack, site.url))
    Document.objects.update(status="done")
    site.pages["/shipping"] = html("Shipping", "Two days now.")
    again(source)
    changed = Document.objects.get(status="pending")
    assert changed.content == "# Shipping\n\nTwo days now."
    assert Document.objects.count() == 3


def test_a_page_that_did_not_change_need_not_be_sent(pack, site):
    tagged = (200, {"ETag": '"1"', "Last-Modified": "Mon"}, html("Home", "Roast."))
    site.pages["/"] = tagged
    source = crawl(add(pack, site.url))
    site.pages["/"] = (304, {}, "")
    again(source)
    asked = site.asked[-1][1]
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"1"', "Mon")
    assert states(source) == {"/": "read"}


def test_a_page_that_vanished_is_marked_until_it_is_back(pack, site):
    source = crawl(add(pack, site.url))
    kept = site.pages.pop("/shipping")
    again(source)
    assert states(source)["/shipping"] == "gone"
    document = Document.objects.get(source_url=site.url + "shipping")
    assert document.missing_since
    site.pages["/shipping"] = kept
    again(source)
    document.refresh_from_db()
    assert document.missing_since is None


def test_a_page_that_fails_for_a_day_keeps_its_document(pack, site):
    source = crawl(add(pack, site.url))
    site.pages["/shipping"] = (500, {}, "")
    again(source)
    assert states(source)["/shipping"] == "failed"
    assert not Document.objects.exclude(missing_since=None).exists()
    assert Document.objects.count() == 3


def test_a_deleted_page_does_not_come_back(pack, site):
    source = crawl(add(pack, site.url))
    document = Document.objects.get(source_url=site.url + "shipping")
    delete_document(document=document, actor=None)
    again(source)
    assert states(source)["/shipping"] == "left_out"
    assert Document.objects.count() == 2


def test_the_schedule_begins_a_crawl_that_is_due(pack, site):
    source = crawl(add(pack, site.url, recrawl="weekly"))
    due = source.next_crawl_at - source.finished_at
    assert due == timedelta(days=7)
    resend()
    source.refresh_from_db()
    assert source.status == "done"
    KnowledgeSource.objects.update(next_crawl_at=timezone.now())
    resend()
    source.refresh_from_db()
    assert (source.status, source.next_crawl_at) == ("pending", None)


# --- Work that is lost or refused -----------------------------------------------
def test_a_crawl_goes_on_in_the_next_turn(pack, site, monkeypatch):
    monkeypatch.setattr(crawling, "TURN_SECONDS", -1)
    source = crawl(add(pack, site.url))
    assert (source.status, states(source)) == ("pending", {"/": "waiting"})
    monkeypatch.setattr(crawling, "TURN_SECONDS", 20)
    assert crawl(source).status == "done"


def test_a_worker_that_lost_the_site_stores_nothing_more(pack, site):
    source = add(pack, site.url)

    def steal(talk):
        KnowledgeSource.objects.filter(pk=source.pk).update(attempt=99)

    source_id = str(source.pk)
    claimed = crawling.claim(
        KnowledgeSource, source_id, lease_seconds=60, give_up=crawling.give_up
    )
    steal(None)
    with pytest.raises(crawling.Lost):
        crawling.Turn(claimed, crawling.resolve).take()
    assert not Document.objects.exists()


def test_the_limit_of_documents_ends_a_crawl_and_says_so(pack, site):
    pack.organization.max_documents = 2
    pack.organization.save()
    source = crawl(add(pack, site.url))
    assert Document.objects.count() == 2
    assert source.cause == "Organization has reached document limit (2)"
    assert source.status == "done"


def test_a_page_with_the_text_of_another_document_is_skipped(pack, site):
    text = "# Shipping\n\nThree days."
    DocumentFactory(knowledge_pack=pack, title="Old", content=text)
    source = crawl(add(pack, site.url))
    assert causes(source)["/shipping"] == "Its text is that of “Old”."


def test_a_deleted_site_takes_its_documents_along(pack, site):
    other = DocumentFactory(knowledge_pack=pack)
    source = crawl(add(pack, site.url))
    sites.delete_source(source=source, actor=None)
    assert list(Document.objects.all()) == [other]
    assert not SourcePage.objects.exists()
