"""Accounts at makers of models: who may, what is kept, what is never shown."""

import json

import pytest

from accounts.models import AuditDetail, AuditLog
from agents.grounded.provider import Grounded
from agents.llm.accounts import account_of
from agents.llm.openai_chat import OpenAICompatible
from agents.llm.provider import ProviderError
from agents.models import ProviderAccount, VectorIndex
from agents.replies import production
from agents.replies.provider_choice import provider_for
from agents.tests.factories import (
    AgentFactory,
    ProviderAccountFactory,
    filled_pack,
    knowing_agent,
)
from agents.tests.maker import LOOPBACK, account_at, answering, making, refusing

pytestmark = pytest.mark.django_db
URL = "/api/v1/providers/"
KEY = "sk-very-secret-1234"
BODY = {"name": "OpenAI", "kind": "openai", "api_key": KEY, "default_model": "gpt-4o"}


@pytest.fixture
def maker(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    with making() as maker:
        yield maker


def post(api, path=URL, **body):
    return api.post(path, body, format="json")


def patch(api, account, **body):
    return api.patch(f"{URL}{account.pk}/", body, format="json")


# --- Keeping ----------------------------------------------------------------
def test_an_account_is_made_at_its_kinds_usual_address(api):
    answer = post(api, **BODY)
    assert answer.status_code == 201
    body = answer.json()
    assert body["base_url"] == "https://api.openai.com/v1"
    assert (body["key_last_four"], body["is_default"]) == ("1234", True)
    assert body["models"] == ["gpt-4o"]


def test_the_key_is_encrypted_and_shown_to_nobody(api):
    made = post(api, **BODY)
    account = ProviderAccount.objects.get()
    assert account.api_key == KEY
    assert KEY not in account.encrypted_key
    shown = [made, api.get(URL), api.get(f"{URL}{account.pk}/")]
    patched = patch(api, account, api_key="sk-another-key-5678")
    text = "".join(answer.content.decode() for answer in [*shown, patched])
    assert "sk-" not in text
    assert "5678" in text
    recorded = json.dumps(list(AuditDetail.objects.values()), default=str)
    assert "sk-" not in recorded
    assert account.encrypted_key not in recorded
    assert AuditLog.objects.filter(resource_type="provider_account").count() == 2


def test_a_key_that_ends_alike_is_a_change_on_the_record(api, harbor):
    account = ProviderAccountFactory(organization=harbor)
    patch(api, account, api_key="sk-brand-new-key-1234")
    row = AuditLog.objects.get(resource_type="provider_account")
    assert list(row.detail.changes) == ["api_key"]
    assert row.detail.changes["api_key"] == "[redacted]"


def test_a_change_that_changes_nothing_writes_nothing(api, harbor):
    account = ProviderAccountFactory(organization=harbor)
    patch(api, account, name=account.name)
    assert not AuditLog.objects.filter(resource_type="provider_account").exists()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"kind": "magic"}, "/kind"),
        ({"kind": "other"}, "/base_url"),
        ({"base_url": "https://127.0.0.1/v1"}, "/base_url"),
        ({"base_url": "https://169.254.169.254/v1"}, "/base_url"),
        ({"base_url": "http://example.com/v1"}, "/base_url"),
        ({"base_url": "https://u:p@example.com/v1"}, "/base_url"),
        ({"base_url": "https://example.com/v1?key=x"}, "/base_url"),
        ({"base_url": "gopher://example.com"}, "/base_url"),
        ({"api_key": "with space"}, "/api_key"),
        ({"api_key": "kéy"}, "/api_key"),
        ({"silence_seconds": 0}, "/silence_seconds"),
        ({"silence_seconds": 9_999}, "/silence_seconds"),
        ({"fallback": "00000000-0000-0000-0000-000000000000"}, "/fallback"),
        ({"is_enabled": False, "is_default": True}, "/is_default"),
        ({"encrypted_key": "x"}, "/encrypted_key"),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(api, change, pointer):
    answer = post(api, **BODY | change)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not ProviderAccount.objects.exists()


def test_a_name_is_taken_whatever_its_case(api):
    post(api, **BODY)
    assert post(api, **BODY | {"name": "OPENAI"}).status_code == 400


def test_an_organization_has_twenty_accounts_at_most(api, harbor):
    ProviderAccountFactory.create_batch(20, organization=harbor)
    answer = post(api, **BODY)
    assert (answer.status_code, answer.json()["limit"]) == (403, 20)


def test_another_url_asks_for_the_key_again(api, harbor):
    account = ProviderAccountFactory(organization=harbor, kind="openai")
    answer = patch(api, account, base_url="https://elsewhere.example/v1")
    assert answer.json()["errors"][0]["pointer"] == "/api_key"
    moved = patch(api, account, base_url="https://e.example/v1", api_key=KEY)
    assert moved.json()["base_url"] == "https://e.example/v1"


def test_a_new_default_takes_the_place_of_the_old(api, harbor):
    old = ProviderAccountFactory(organization=harbor, is_default=True)
    new = ProviderAccountFactory(organization=harbor)
    assert patch(api, new, is_default=True).json()["is_default"]
    old.refresh_from_db()
    assert not old.is_default


def test_anothers_account_is_no_fallback(api, harbor):
    mine, theirs = ProviderAccountFactory(organization=harbor), ProviderAccountFactory()
    for other in (theirs, mine):
        assert patch(api, mine, fallback=str(other.pk)).status_code == 400


def test_who_is_gone_stands_in_for_nobody(api, harbor):
    second = ProviderAccountFactory(organization=harbor)
    first = ProviderAccountFactory(organization=harbor, fallback=second)
    assert api.delete(f"{URL}{second.pk}/").status_code == 204
    first.refresh_from_db()
    assert first.fallback is None


def test_only_admins_manage_accounts(viewer_api, stranger_api, harbor):
    account = ProviderAccountFactory(organization=harbor)
    assert viewer_api.get(URL).status_code == 403
    assert stranger_api.get(f"{URL}{account.pk}/").status_code == 404
    assert viewer_api.get(f"{URL}models/").status_code == 200


@pytest.mark.parametrize("how_many", [1, 19])
def test_the_list_costs_the_same_however_long(
    api, harbor, how_many, django_assert_num_queries
):
    ProviderAccountFactory.create_batch(how_many, organization=harbor)
    api.get(URL)
    with django_assert_num_queries(3):  # the key, the count, the page
        assert len(api.get(URL).json()["results"]) == how_many


# --- Testing ----------------------------------------------------------------
def check(api, account):
    return api.post(f"{URL}{account.pk}/test/").json()


def test_a_test_learns_the_models_and_whether_one_answers(api, harbor, maker):
    account = account_at(maker, harbor)
    found = check(api, account)
    assert (found["ok"], found["error"]) == (True, "")
    assert found["models"] == ["embed-1", "large-1", "small-1"]
    assert found["answered_ms"] >= 0
    account.refresh_from_db()
    assert account.known_models == found["models"]
    assert (account.check_error, account.checked_at is None) == ("", False)


def test_a_test_says_what_is_wrong_without_a_secret(api, harbor, maker):
    maker.will(refusing(401))
    account = account_at(maker, harbor)
    found = check(api, account)
    assert found["error"] == "Maker refused the API key (401)."
    account.refresh_from_db()
    assert account.check_error == found["error"]


def test_a_maker_without_a_list_is_one_that_may_answer_all_the_same(api, harbor, maker):
    maker.lists_models = False
    assert check(api, account_at(maker, harbor))["ok"]
    silent = account_at(maker, harbor, name="Silent", default_model="")
    assert "no such model" in check(api, silent)["error"]


def test_ten_tests_a_minute_are_enough(api, harbor):
    account = ProviderAccountFactory(organization=harbor)
    for _ in range(10):
        check(api, account)
    assert api.post(f"{URL}{account.pk}/test/").status_code == 429


# --- Choosing ---------------------------------------------------------------
def test_the_choice_is_what_the_accounts_offer(api, harbor):
    models = ["gpt-4o", "text-embedding-3-small", "whisper-1"]
    ProviderAccountFactory(
        organization=harbor, is_default=True, name="Mine", known_models=models
    )
    ProviderAccountFactory(organization=harbor, is_enabled=False, known_models=["x"])
    offered = [tuple(each.values()) for each in api.get(f"{URL}models/").json()]
    assert offered == [
        ("grounded", "", False),
        ("small-1", "Mine", True),
        ("gpt-4o", "Mine", False),
    ]


def test_new_agents_start_with_the_default_accounts_model(harbor):
    before = AgentFactory(organization=harbor)
    ProviderAccountFactory(organization=harbor, is_default=True)
    assert before.config["model"] == "grounded"
    assert AgentFactory(organization=harbor).config["model"] == "small-1"
    asked = AgentFactory(organization=harbor, config={"model": "grounded"})
    assert asked.config["model"] == "grounded"


def test_a_model_that_nobody_offers_is_refused(api, harbor):
    agent = AgentFactory(organization=harbor)
    ProviderAccountFactory(organization=harbor, known_models=["small-1"], name="Mine")
    path = f"/api/v1/agents/{agent.public_id}/"
    answers = [
        api.patch(path, {"config": {"model": "gpt-9"}}, format="json"),
        post(api, "/api/v1/agents/", name="New", config={"model": "gpt-9"}),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/config/model"
        assert "None of your accounts offers gpt-9." in answer.content.decode()


def test_one_that_was_chosen_before_may_stay(api, harbor):
    agent = AgentFactory(organization=harbor, config={"model": "gpt-9"})
    ProviderAccountFactory(organization=harbor, known_models=["small-1"])
    path = f"/api/v1/agents/{agent.public_id}/"
    answer = api.patch(path, {"config": {"temperature": 0.1}}, format="json")
    assert (answer.status_code, answer.json()["config"]["model"]) == (200, "gpt-9")


# --- Who answers ------------------------------------------------------------
def asked(organization, model):
    """Return the names and models of who is asked, or the word grounded."""
    agent = AgentFactory(organization=organization)
    agent.live_version.config["model"] = model
    provider = provider_for(agent.live_version)
    if isinstance(provider, Grounded):
        return "grounded"
    assert isinstance(provider, OpenAICompatible)
    return [(each.name, each.model) for each in provider.accounts]


def test_without_an_account_the_documents_answer(harbor):
    assert asked(harbor, "gpt-4o") == asked(harbor, "grounded") == "grounded"


def test_the_account_that_names_the_model_is_asked(harbor):
    for name, models in (("Any", []), ("Mine", ["gpt-4o"])):
        ProviderAccountFactory(organization=harbor, name=name, known_models=models)
    assert asked(harbor, "gpt-4o") == [("Mine", "gpt-4o")]
    assert asked(harbor, "whatever") == [("Any", "whatever")]
    ProviderAccount.objects.update(is_enabled=False)
    assert asked(harbor, "gpt-4o") == "grounded"


def test_the_fallback_is_asked_for_what_it_has(harbor):
    second = ProviderAccountFactory(organization=harbor, name="B", known_models=["b"])
    ProviderAccountFactory(
        organization=harbor, name="A", known_models=["a", "b"], fallback=second
    )
    assert asked(harbor, "a") == [("A", "a"), ("B", "small-1")]


def test_the_installations_account_answers_for_its_one_model(harbor, settings):
    settings.LLM_BASE_URL, settings.LLM_MODEL = "http://10.0.0.1/v1", "house-1"
    assert asked(harbor, "house-1") == [("The model provider", "house-1")]
    assert asked(harbor, "large-1") == "grounded"
    ProviderAccountFactory(organization=harbor, name="Mine")
    assert asked(harbor, "house-1") == [("Mine", "house-1")]


def test_a_key_that_cannot_be_read_is_an_honest_failure(harbor, settings):
    account = ProviderAccountFactory(organization=harbor, name="Mine")
    settings.SECRET_KEY = "another" * 10
    with pytest.raises(ProviderError) as failure:
        account_of(account, "small-1")
    assert str(failure.value) == "The key of Mine cannot be read: enter it again."


# --- Vectors ----------------------------------------------------------------
def test_documents_get_their_vectors_from_the_account(api, harbor, maker):
    text = "# Shipping\n\nParcels take three days.\n\n# Coffee\n\nIt tastes of nuts."
    pack = filled_pack(text, organization=harbor)
    account = account_at(maker, harbor, embedding_model="embed-1")
    assert VectorIndex.objects.get().status == "done"
    assert check(api, account)["embedding_dimensions"] == 4
    assert VectorIndex.objects.get().status == "pending"
    knowing_agent(organization=harbor)
    from agents.knowledge.embedding_jobs import embed_pack
    from agents.knowledge.retrieval.search import search

    embed_pack(str(pack.pk))
    index = VectorIndex.objects.get(knowledge_pack=pack)
    assert index.embedding_model.startswith("embed-1@127.0.0.1")
    assert (index.status, index.dimensions) == ("done", 4)
    found = search(knowledge_pack_id=pack.pk, question="Is it delivered?")
    assert found[0].heading == "Shipping"


def test_without_vectors_words_find_the_passages(api, harbor, maker):
    from agents.knowledge.retrieval.search import search

    pack = filled_pack("# Shipping\n\nParcels take three days.", organization=harbor)
    account = account_at(maker, harbor, embedding_model="embed-1")
    check(api, account)
    maker.dimensions = 9
    assert search(knowledge_pack_id=pack.pk, question="How long do parcels take?")


def test_the_answer_of_an_agent_comes_from_its_account(harbor, maker):
    from agents.replies import questions
    from agents.tests.factories import SessionFactory

    maker.will(answering("Three days", " [1] [7], see ", "![x](http://evil.example)."))
    account_at(maker, harbor)
    agent = knowing_agent(
        "# Shipping\n\nParcels to Graz take three days.", organization=harbor
    )
    session = SessionFactory(agent_ref=agent)
    reply = questions.ask(session=session, content="How long do parcels to Graz take?")[
        1
    ]
    production.produce(reply.pk)
    reply.refresh_from_db()
    assert (reply.status, reply.provider) == ("done", "other")
    assert reply.answer.content == "Three days [1], see x."
    assert [each["title"] for each in reply.answer.citations] == ["Shipping"]
    assert reply.answer.tokens == 38
