"""Sites under many hands: the limit holds, and a page is read by one worker."""

import threading

import pytest

from accounts.models.organizations import OrganizationQuerySet
from agents.knowledge.web import sites
from agents.knowledge.web.crawling import crawl_source
from agents.models import Document, KnowledgeSource
from agents.tests.factories import KnowledgePackFactory
from agents.tests.knowledge.sites import html, serving
from agents.tests.lifecycle.test_creation_concurrent import at_once

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]


def race_for_the_last_place(monkeypatch) -> tuple[list[bool], list[str]]:
    """Let two meet between check and insert; return who was let in, and how."""
    monkeypatch.setattr(sites, "MAX_SOURCES", 1)
    pack, meeting, arrived = KnowledgePackFactory(), threading.Barrier(2), []
    insert = sites._new_source

    def meet(*args, **kwargs):
        try:
            meeting.wait(timeout=1)
            arrived.append("together")
        except threading.BrokenBarrierError:
            arrived.append("alone")
        return insert(*args, **kwargs)

    monkeypatch.setattr(sites, "_new_source", meet)

    def add(number):
        url = f"https://shop.example/{number}"
        try:
            sites.create_source(knowledge_pack=pack, url=url, created_by=None)
        except sites.SourceLimitReached:
            return False
        return True

    return sorted(at_once(2, add)), arrived


def test_two_sites_cannot_share_the_last_place(monkeypatch):
    assert race_for_the_last_place(monkeypatch) == ([False, True], ["alone"])


def test_without_the_lock_they_would(monkeypatch):
    unlocked = OrganizationQuerySet.get
    monkeypatch.setattr(
        OrganizationQuerySet, "locked", lambda *args: unlocked(args[0], pk=args[1])
    )
    results, arrived = race_for_the_last_place(monkeypatch)
    assert (results, arrived) == ([True, True], ["together", "together"])


def test_many_workers_given_one_site_read_each_page_once(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.CRAWL_DELAY_SECONDS = 0
    with serving() as site:
        site.pages["/"] = html("Home", "We roast.", "/a")
        site.pages["/a"] = html("A", "More.")
        pack = KnowledgePackFactory()
        source, _ = sites.create_source(
            knowledge_pack=pack, url=site.url, created_by=None
        )
        at_once(6, lambda number: crawl_source(str(source.pk)))
        assert site.paths == ["/robots.txt", "/", "/a"]
    assert Document.objects.count() == 2
    assert KnowledgeSource.objects.get().status == "done"
