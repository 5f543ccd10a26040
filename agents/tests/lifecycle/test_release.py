"""A draft goes live when somebody releases it, and its gate lets it."""

import pytest
from django.urls import reverse

from accounts.models import AuditLog
from agents.custody.suites import cases_of, digest
from agents.lifecycle.editing import update_agent
from agents.models import OptimizationRun
from agents.tests.factories import AgentFactory


@pytest.fixture
def desk(harbor, ada):
    """An agent whose edits wait: version 1 is live, version 2 a draft."""
    agent = AgentFactory(organization=harbor, name="Desk", release_gate="warn")
    return update_agent(agent=agent, actor=ada.user, changes={"system_prompt": "New."})


def release(api, agent, body=None, **headers):
    path = f"/api/v1/agents/{agent.public_id}/release/"
    return api.post(path, body, format="json", headers=headers)


def test_a_released_draft_is_live(api, desk):
    response = release(api, desk)
    desk.refresh_from_db()
    assert response.json()["live_version"] == 2
    assert response["ETag"] == desk.etag
    assert desk.draft_version is None
    assert AuditLog.objects.filter(action="EXECUTE").count() == 1


def test_without_a_draft_there_is_nothing_to_release(api, desk):
    release(api, desk)
    again = release(api, desk)
    assert again.status_code == 422
    assert again.json()["type"].endswith("/nothing-to-release")


def test_an_enforcing_gate_wants_a_passed_test(api, desk):
    update_agent(agent=desk, actor=None, changes={"release_gate": "enforce"})
    refused = release(api, desk)
    assert refused.status_code == 403
    assert refused.json()["type"].endswith("/release-not-proven")
    draft = desk.versions.get(number=2)
    draft.custody_result = {"passed": True, "suite": digest(cases_of(desk))}
    draft.save(update_fields=["custody_result"])
    assert release(api, desk).json()["live_version"] == 2


def test_a_draft_is_released_from_the_agents_page(client, ada, desk):
    client.force_login(ada.user)
    page = client.get(reverse("agents:detail", args=[desk.public_id]))
    path = reverse("agents:release", args=[desk.public_id])
    assert path in page.content.decode()
    done = client.post(path, follow=True).content.decode()
    assert "Version 2 is live." in done
    assert "no draft" in client.post(path, follow=True).content.decode()


def test_a_stranger_and_a_viewer_release_nothing(client, bo, cy, desk):
    path = reverse("agents:release", args=[desk.public_id])
    client.force_login(bo.user)
    assert client.post(path).status_code == 403
    client.force_login(cy.user)
    assert client.post(path).status_code == 404
    desk.refresh_from_db()
    assert desk.live_version.number == 1


def test_switching_improvement_on_starts_it(harbor, ada):
    agent = AgentFactory(organization=harbor, auto_optimize=False)
    agent = update_agent(agent=agent, actor=ada.user, changes={"auto_optimize": True})
    assert agent.optimization_pending
    assert OptimizationRun.objects.get().base_version == agent.live_version
    update_agent(agent=agent, actor=ada.user, changes={"name": "Other"})
    assert OptimizationRun.objects.count() == 1


def test_a_release_sent_again_is_answered_the_same_and_happens_once(api, desk):
    first, again = (release(api, desk, {"version": 2}) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["live_version"] == 2
    assert again["ETag"] == first["ETag"]
    assert AuditLog.objects.filter(action="EXECUTE").count() == 1


def test_another_draft_than_the_named_one_is_not_released(api, desk, ada):
    update_agent(agent=desk, actor=ada.user, changes={"system_prompt": "Newer."})
    refused = release(api, desk, {"version": 2})
    assert refused.status_code == 412
    desk.refresh_from_db()
    assert (desk.live_version.number, desk.draft_version.number) == (1, 3)
    assert release(api, desk, {"version": 3}).status_code == 200


def test_a_stale_if_match_releases_nothing(api, desk, ada):
    etag = desk.etag
    update_agent(agent=desk, actor=ada.user, changes={"system_prompt": "Newer."})
    assert release(api, desk, **{"If-Match": etag}).status_code == 412
    desk.refresh_from_db()
    assert desk.live_version.number == 1
    assert release(api, desk, **{"If-Match": desk.etag}).status_code == 200


@pytest.mark.parametrize("version", [0, -1, "two", 2**40])
def test_a_version_that_is_no_number_is_refused(api, desk, version):
    answer = release(api, desk, {"version": version})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/version"


def test_the_page_releases_only_the_version_it_showed(client, ada, desk):
    client.force_login(ada.user)
    update_agent(agent=desk, actor=ada.user, changes={"system_prompt": "Newer."})
    path = reverse("agents:release", args=[desk.public_id])
    done = client.post(path, {"version": "2"}, follow=True).content.decode()
    assert "Not released: version 2 is no longer the draft." in done
    desk.refresh_from_db()
    assert desk.live_version.number == 1
