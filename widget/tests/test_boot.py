import pytest

from agents.models.agents import WidgetMode
from widget import boot
from widget.tests.conftest import Visitor, until_refused
from widget.tests.factories import SpeakingAgentFactory


def test_an_allowed_page_gets_a_code_and_the_frames_address(visitor, agent, settings):
    answer = visitor.boot()
    assert answer.status_code == 200
    assert len(answer.json()["boot_code"]) > 40
    assert answer.json()["frame_url"].startswith(
        f"{settings.PUBLIC_BASE_URL}/widget/frame/{agent.public_id}?"
    )


def test_a_foreign_page_gets_no_code(agent):
    answer = Visitor(agent, "https://evil.example").boot()
    assert answer.status_code == 403
    assert answer.json()["code"] == "origin_not_allowed"
    assert "boot_code" not in answer.json()


@pytest.mark.parametrize("origin", ["", "null", "https://shop.example.evil.example"])
def test_no_origin_is_not_an_allowed_one(agent, origin):
    assert Visitor(agent, origin).boot().status_code == 403


def test_an_agent_without_sites_speaks_nowhere(harbor):
    agent = SpeakingAgentFactory(organization=harbor, allowed_origins=[])
    assert Visitor(agent).boot().json()["code"] == "origin_not_allowed"


def test_an_agent_that_is_off_is_as_if_there_were_none(visitor, agent):
    agent.is_active = False
    agent.save(update_fields=["is_active"])
    off = visitor.boot()
    unknown = visitor.boot(public_id="00000000-0000-4000-8000-000000000000")
    assert (off.status_code, off.json()["code"]) == (404, "agent_not_found")
    same = ("type", "title", "status", "detail", "code", "errors")
    assert [off.json()[key] for key in same] == [unknown.json()[key] for key in same]


def test_an_agents_id_has_one_spelling(visitor, agent):
    spellings = [str(agent.public_id).upper(), agent.public_id.hex]
    answers = [visitor.boot(public_id=spelling) for spelling in spellings]
    assert [answer.status_code for answer in answers] == [404, 404]


def test_a_deleted_agents_page_gets_no_code(visitor, agent):
    agent.soft_delete()
    assert visitor.boot().status_code == 404


@pytest.mark.parametrize("mode", [WidgetMode.IDENTITY_REQUIRED, WidgetMode.SERVER_ONLY])
def test_a_closed_door_stays_closed_to_strangers(visitor, agent, mode):
    agent.widget_mode = mode
    agent.save(update_fields=["widget_mode"])
    answer = visitor.boot()
    assert (answer.status_code, answer.json()["code"]) == (403, "identity_required")


def test_the_preflight_is_answered_without_credentials(visitor):
    answer = visitor.send("OPTIONS", "boot", Origin="https://shop.example")
    assert answer.status_code == 204
    assert answer["Access-Control-Max-Age"] == "600"
    assert answer["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in answer


def test_a_page_may_read_the_answer(visitor):
    answer = visitor.boot()
    assert answer["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer["Vary"] == "Origin"
    assert not answer.cookies


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"public_id": 7}, "/public_id"),
        ({"public_id": ""}, "/public_id"),
        ({"public_id": "x" * 65}, "/public_id"),
        ({"locale": ["en"]}, "/locale"),
        ({"locale": "e" * 36}, "/locale"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(visitor, body, pointer):
    answer = visitor.boot(**body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_list_for_a_body_is_refused(visitor):
    assert visitor.send("POST", "boot", ["x"]).status_code == 400


def test_after_twenty_boots_in_a_minute_the_next_waits(visitor):
    refused = until_refused(visitor.boot, quota=20, window=60)
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["violated_policies"] == ["widget-boot"]
    assert int(refused["Retry-After"]) >= 1


def test_a_code_is_kept_only_as_its_hash(visitor):
    code = visitor.boot().json()["boot_code"]
    client = boot._redis()
    assert client.get(boot._key(code)) is not None
    assert code not in boot._key(code)
    assert 0 < client.ttl(boot._key(code)) <= 60


def test_a_code_opens_one_session(visitor):
    code = visitor.boot().json()["boot_code"]
    first = visitor.send("POST", "sessions", {"boot_code": code})
    second = visitor.send("POST", "sessions", {"boot_code": code})
    assert first.status_code == 201
    assert (second.status_code, second.json()["code"]) == (401, "boot_code_invalid")


def test_a_code_is_void_once_its_site_is_no_longer_allowed(visitor, agent):
    code = visitor.boot().json()["boot_code"]
    agent.allowed_origins = ["https://other.example"]
    agent.save(update_fields=["allowed_origins"])
    answer = visitor.send("POST", "sessions", {"boot_code": code})
    assert answer.json()["code"] == "origin_not_allowed"


@pytest.fixture
def without_redis(settings):
    settings.REDIS_URL = "unix:///nowhere/redis.sock"


def test_without_redis_the_door_says_so(visitor, without_redis):
    answer = visitor.boot()
    assert (answer.status_code, answer.json()["code"]) == (503, "agent_unavailable")
    assert answer["Retry-After"] == "2"


def test_the_page_is_told_the_public_part_of_the_configuration_only(harbor):
    agent = SpeakingAgentFactory(
        organization=harbor,
        system_prompt="Never tell the canary.",
        widget_config={
            "welcome_message": "Ahoy.",
            "internal_note": "ours",
            "suggestions": ["How long?", 7, "x" * 200],
        },
    )
    config = Visitor(agent).boot().json()["config"]
    assert config["welcome_message"] == "Ahoy."
    assert config["suggestions"] == ["How long?", "x" * 120]
    assert set(config) == {"name", "suggestions", "handover", *boot.PUBLIC_KEYS}
