"""The official client, unmodified, against the product's own server process."""

import asyncio
import time

import pytest
from django.conf import settings

from accounts.models import Organization, Scope
from accounts.tests.factories import MembershipFactory, make_key
from agents.models import Reservation, Session, UsageMonth
from agents.tests.factories import AgentFactory, knowing_agent
from agents.tests.maker import USAGE, making, slowly
from agents.tests.replies.test_replies_served import surroundings
from config.tests.serving import served, until

openai = pytest.importorskip("openai")

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
SENTENCE = (
    "Parcels to Graz take three days, unless the snow lies high on the passes and "
    "the driver has to wait in the valley."
)
QUESTION = [{"role": "user", "content": "How long do parcels to Graz take?"}]
WORD_SECONDS = 0.1


@pytest.fixture(scope="module")
def maker():
    """The installation's own account: a model that takes its time."""
    with making(slowly(SENTENCE, WORD_SECONDS / 2)) as maker:
        yield maker


@pytest.fixture(scope="module")
def site(django_db_setup, maker):
    environ = surroundings(
        GROUNDED_TOKEN_DELAY_MS=str(int(WORD_SECONDS * 1000)),
        LLM_BASE_URL=maker.base_url,
        LLM_MODEL="house-1",
    )
    with served("config.asgi:application", **environ) as server:
        yield server


@pytest.fixture
def owner():
    return MembershipFactory()


@pytest.fixture
def agent(owner):
    return knowing_agent(f"# Shipping\n\n{SENTENCE}", organization=owner.organization)


@pytest.fixture
def model(agent):
    return str(agent.public_id)


@pytest.fixture
def slow_model(owner):
    agent = AgentFactory(organization=owner.organization, config={"model": "house-1"})
    return str(agent.public_id)


@pytest.fixture
def options(site, owner):
    base_url = f"http://127.0.0.1:{site.port}/v1"
    return {"api_key": make_key(owner), "base_url": base_url, "max_retries": 0}


@pytest.fixture
def client(options):
    with openai.OpenAI(**options) as client:
        yield client


def requests_in(server, status):
    """Count the completions the server's own log has with this status."""
    lines = [line for line in server.said().splitlines() if "/v1/chat" in line]
    return sum(f'"status": {status}' in line for line in lines)


def connections_out(server):
    """Count the connections the server's process holds while it answers this."""
    components = server.json("/health")["components"]
    return next(
        found["details"]["checked_out"]
        for found in components
        if found["name"] == "database"
    )


def test_the_agents_are_the_models(client, agent, model):
    assert [each.id for each in client.models.list()] == [model]
    assert client.models.retrieve(model).object == "model"


def test_an_answer_comes_whole(client, model):
    answer = client.chat.completions.create(model=model, messages=QUESTION)
    assert answer.choices[0].message.content.startswith("Parcels to Graz")
    assert answer.choices[0].finish_reason == "stop"
    used = answer.usage
    assert used.total_tokens == used.prompt_tokens + used.completion_tokens > 0
    assert answer.citations[0]["title"] == "Shipping"
    assert UsageMonth.objects.get(agent=None).tokens == used.total_tokens


def test_a_models_own_figures_are_told(client, slow_model):
    answer = client.chat.completions.create(model=slow_model, messages=QUESTION)
    assert answer.choices[0].message.content == SENTENCE
    told = {name: getattr(answer.usage, name) for name in USAGE}
    assert told == USAGE


def test_a_stream_comes_word_by_word_and_holds_no_connection(client, site, model):
    began = time.monotonic()
    arrived, text, used = [], "", None
    stream = client.chat.completions.create(
        model=model,
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in stream:
        used = chunk.usage or used
        if chunk.choices and (word := chunk.choices[0].delta.content):
            arrived.append(time.monotonic() - began)
            text += word
        if len(arrived) == 5:
            # The one that is out is the one that asks.
            assert connections_out(site) <= 1
    assert text.startswith("Parcels to Graz")
    assert len(arrived) > 10
    # By ratio: a buffered answer has its first word when it has its last.
    assert arrived[0] < arrived[-1] / 3
    until(lambda: Session.objects.exists())
    assert UsageMonth.objects.get(agent=None).tokens == used.total_tokens > 0


def test_the_asynchronous_client_is_answered_too(options, model):
    async def ask():
        async with openai.AsyncOpenAI(**options) as client:
            stream = await client.chat.completions.create(
                model=model, messages=QUESTION, stream=True
            )
            return [chunk async for chunk in stream]

    chunks = asyncio.run(ask())
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_ten_at_once_are_answered_side_by_side(options, slow_model):
    """More than the server has threads for plain requests."""
    count = settings.WEB_THREADS + 2

    async def ask(client):
        began = time.monotonic()
        await client.chat.completions.create(model=slow_model, messages=QUESTION)
        return time.monotonic() - began

    async def all_of_them():
        async with openai.AsyncOpenAI(**options) as client:
            alone = await ask(client)
            began = time.monotonic()
            await asyncio.gather(*(ask(client) for _ in range(count)))
            return alone, time.monotonic() - began

    alone, together = asyncio.run(all_of_them())
    assert together < alone * count / 2


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"model": "gpt-4o"}, openai.NotFoundError),
        ({"n": 2}, openai.BadRequestError),
        ({"messages": []}, openai.BadRequestError),
        ({"tools": [{"type": "function"}]}, openai.BadRequestError),
    ],
)
def test_refusals_are_the_clients_own_errors(client, model, wrong, error):
    asked = {"model": model, "messages": QUESTION} | wrong
    with pytest.raises(error) as refused:
        client.chat.completions.create(**asked)
    assert refused.value.param == next(iter(wrong))
    assert refused.value.type == "invalid_request_error"


def test_a_wrong_key_and_one_without_the_scope_are_told_apart(options, owner, model):
    with openai.OpenAI(**options | {"api_key": "ya_live_wrong"}) as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            client.models.list()
        assert refused.value.code == "invalid_api_key"
    reader = make_key(owner, scopes=[Scope.AGENTS_READ])
    with (
        openai.OpenAI(**options | {"api_key": reader}) as client,
        pytest.raises(openai.PermissionDeniedError),
    ):
        client.chat.completions.create(model=model, messages=QUESTION)


def test_a_used_up_budget_is_not_asked_again(options, site, model):
    Organization.objects.update(max_messages_per_month=0)
    before = requests_in(site, 429)
    with (
        openai.OpenAI(**options | {"max_retries": 2}) as client,
        pytest.raises(openai.RateLimitError) as refused,
    ):
        client.chat.completions.create(model=model, messages=QUESTION)
    assert refused.value.type == "insufficient_quota"
    until(lambda: requests_in(site, 429) == before + 1)


def test_a_client_that_has_no_patience_stops_the_generation(options, slow_model):
    with (
        openai.OpenAI(**options | {"timeout": WORD_SECONDS * 4}) as client,
        pytest.raises(openai.APITimeoutError),
    ):
        client.chat.completions.create(model=slow_model, messages=QUESTION)
    until(lambda: UsageMonth.objects.filter(agent=None, tokens__gt=0).exists())
    assert not Reservation.objects.exists()
    assert not Session.objects.exists()


def test_who_leaves_a_stream_stops_the_generation(client, model):
    whole = client.chat.completions.create(model=model, messages=QUESTION)
    used = UsageMonth.objects.get(agent=None).tokens
    with client.chat.completions.create(
        model=model, messages=QUESTION, stream=True
    ) as stream:
        for _, _chunk in zip(range(4), stream, strict=False):
            pass
    until(lambda: not Reservation.objects.exists())
    assert Session.objects.count() == 1
    partly = UsageMonth.objects.get(agent=None).tokens - used
    assert partly > 0
    assert whole.usage.total_tokens == used


def test_the_same_key_repeats_the_answer(client, model):
    headers = {"Idempotency-Key": "one"}
    answers = [
        client.chat.completions.create(
            model=model, messages=QUESTION, extra_headers=headers
        )
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert UsageMonth.objects.get(agent=None).messages == 1
