"""What an agent is told: its prompts, and passages that fit."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.llm import prompt as dialogue
from agents.llm.provider import Said, Turn
from agents.models import AgentVersion
from agents.replies.context import ContextService
from agents.tests.factories import AgentFactory, filled_pack, knowing_agent
from agents.tests.shop import COFFEES, RETURNS, SHIPPING

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    agent = knowing_agent(
        SHIPPING,
        RETURNS,
        COFFEES,
        system_prompt="Answer in one sentence.",
        persona_key="support_expert",
    )
    return agent.live_version


def test_the_persona_comes_before_the_prompt(version):
    context = ContextService(version).build("Hello", 3000)
    assert context.instructions == (
        f"{version.persona_prompt.strip()}\n\nAnswer in one sentence."
    )


def test_the_passages_are_about_the_question(version):
    context = ContextService(version).build("How long does express take?", 3000)
    assert context.passages[0].heading == "Shipping > How long it takes"


@pytest.mark.parametrize("max_tokens", [0, 1, 50, 120, 200, 400, 3000])
def test_the_budget_is_never_exceeded(version, max_tokens):
    context = ContextService(version).build("coffee shipping return", max_tokens)
    assert context.tokens <= max_tokens


WORDS = st.one_of(
    st.text(max_size=300),
    st.text("<>&;#[]lt ", max_size=300),
    st.sampled_from(["coffee " * 400, "配送 " * 300, "<" * 900, ""]),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    max_tokens=st.integers(0, 6_000),
    prompt=WORDS,
    summary=WORDS,
    said=st.lists(st.tuples(st.sampled_from(["user", "assistant"]), WORDS), max_size=9),
    question=st.sampled_from(["shipping coffee return", "<b>", "？"]),
)
def test_no_prompt_costs_more_than_its_budget_whatever_is_in_it(
    version, max_tokens, prompt, summary, said, question
):
    """By the messages as they are sent, the question's own text aside."""
    version.system_prompt = prompt
    history = [Said(*one) for one in said]
    context = ContextService(version).build(question, max_tokens, history, summary)
    assert context.tokens <= max_tokens
    turn = Turn(
        question,
        "Desk",
        instructions=context.instructions,
        passages=context.passages,
        topics=("x" * 500, "<" * 500, "配" * 500),
        history=context.history,
        summary=context.summary,
    )
    cost = dialogue.prompt_tokens(dialogue.messages(turn))
    most = max(max_tokens, dialogue.OVERHEAD_TOKENS + max_tokens * context.is_bare)
    assert cost <= most + dialogue.question_tokens(question)


def test_the_latest_messages_are_kept_and_the_documents_come_first(version):
    long = [Said("user", f"Message {n}. " + "x" * 2_000) for n in range(10)]
    context = ContextService(version).build("shipping", 3_000, long, "They met. " * 300)
    assert context.passages
    assert [one.content[:9] for one in context.history] == ["Message 9"]
    assert context.summary.startswith("They met.")
    assert len(context.summary) < 2_000


def test_an_agent_is_as_good_as_its_live_version(version):
    context = ContextService(version.agent).build("How long does express take?", 3000)
    assert context.passages[0].heading == "Shipping > How long it takes"


def test_a_larger_budget_holds_more_passages(version):
    service = ContextService(version)
    question = "coffee shipping return"
    sizes = [len(service.build(question, size).passages) for size in (500, 800, 3000)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_a_question_brings_what_it_leans_on(version):
    earlier = [Said("user", "How long does express take?")]
    context = ContextService(version).build("How much is it?", 3000, earlier)
    texts = [passage.text for passage in context.passages]
    assert any("Express delivery costs 12 EUR." in text for text in texts)


def test_an_agent_without_a_pack_and_an_empty_pack_work():
    agents = [AgentFactory(system_prompt="Be brief."), knowing_agent()]
    for agent in agents:
        service = ContextService(agent.live_version)
        context = service.build("Hello", 3000)
        assert context.passages == ()
        assert service.topics() == ()


def test_another_organizations_pack_is_never_opened(version):
    foreign = filled_pack("# Secret\n\nThe word is albatross.")
    stray = AgentVersion(agent=version.agent, knowledge_pack=foreign)
    service = ContextService(stray)
    assert service.build("What is the word?", 3000).passages == ()
    assert service.topics() == ()


def test_topics_are_the_titles_of_what_is_indexed(version):
    titles = ("Shipping", "Returns and refunds", "Our coffees")
    assert ContextService(version).topics() == titles
