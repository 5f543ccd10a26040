"""Pages that say where they lead, or what their own address is, are kept once."""

import pytest

from agents.models import Document
from agents.tests.factories import KnowledgePackFactory
from agents.tests.knowledge.sites import html, serving
from agents.tests.knowledge.test_crawling import add, again, causes, crawl, states

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
        site.pages["/"] = html("Home", "We roast coffee.", "/shipping")
        yield site


def test_a_page_is_kept_once_by_its_canonical_address(pack, site):
    own = '<link rel="canonical" href="/shipping">'
    site.pages["/"] = html("Home", "Coffee.", "/shipping?from=home", "/shipping")
    site.pages["/shipping?from=home"] = html("Shipping", "Three days.", head=own)
    site.pages["/shipping"] = html("Shipping", "Three days, now.", head=own)
    source = crawl(add(pack, site.url))
    assert states(source) == {
        "/": "read",
        "/shipping?from=home": "skipped",
        "/shipping": "read",
    }


def test_a_page_that_calls_itself_the_start_page_is_kept_as_it_is(pack, site):
    start = '<link rel="canonical" href="/">'
    site.pages["/shipping"] = html("Shipping", "Three days.", head=start)
    assert states(crawl(add(pack, site.url)))["/shipping"] == "read"


def test_a_page_that_leads_on_by_itself_is_read_where_it_leads(pack, site):
    head = '<meta http-equiv="refresh" content="0; url=/help">'
    site.pages["/"] = html("Moved", "Moved.", head=head)
    site.pages["/help"] = html("Help", "Call us.")
    assert states(crawl(add(pack, site.url, max_depth=0))) == {"/help": "read"}


def test_pages_that_lead_to_each_other_end(pack, site):
    for here, there in (("/", "/a"), ("/a", "/")):
        head = f'<meta http-equiv="refresh" content="0; url={there}">'
        site.pages[here] = html("Round", "and round.", head=head)
    source = crawl(add(pack, site.url))
    assert states(source) == {"/": "failed"}
    assert "leads on and on" in causes(source)["/"]


def test_what_is_left_out_of_a_page_is_kept_with_its_document(pack, site):
    source = crawl(add(pack, site.url, max_depth=0))
    document = Document.objects.get()
    assert document.left_out == ["menus"]
    site.pages["/"] = "<h1>Home</h1><p>We roast coffee.</p><img src='a.png'>"
    again(source)
    document.refresh_from_db()
    assert document.left_out == ["1 picture without a description"]
