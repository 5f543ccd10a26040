"""What an agent is told before it answers: orders, passages, and what was said."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from agents.knowledge.retrieval import query_rewriting
from agents.knowledge.retrieval.search import Passage, search
from agents.llm import prompt as dialogue
from agents.llm.provider import Said, estimate_tokens, within
from agents.models.agents import Agent
from agents.models.knowledge import Document, KnowledgePack, Language
from agents.models.sessions import MessageRole
from agents.models.versions import AgentVersion

# Of what the instructions leave, so much is for what was said before: the rest is
# for the documents, which the answer comes from.
HISTORY_SHARE = 0.4
SUMMARY_SHARE = 0.3


@dataclass(frozen=True)
class Context:
    """What fits; `tokens` bounds what all of it costs in a prompt."""

    instructions: str
    passages: tuple[Passage, ...]
    history: tuple[Said, ...] = ()
    summary: str = ""
    overhead: int = 0

    @property
    def is_bare(self) -> bool:
        """Whether even an empty prompt would cost more than there is."""
        return not self.overhead

    @property
    def tokens(self) -> int:
        return (
            self.overhead
            + estimate_tokens(self.instructions)
            + dialogue.summary_tokens(self.summary)
            + sum(map(dialogue.said_tokens, self.history))
            + sum(
                dialogue.passage_tokens(number, passage)
                for number, passage in enumerate(self.passages, start=1)
            )
        )


class ContextService:
    """Builds the context of an agent as it is live, or of one of its versions."""

    def __init__(self, agent: Agent | AgentVersion) -> None:
        self.version = agent.live_version if isinstance(agent, Agent) else agent
        # By the organization too: a version can never open another's pack.
        self.pack = (
            KnowledgePack.objects.filter(
                pk=self.version.knowledge_pack_id,
                organization_id=self.version.agent.organization_id,
            )
            .order_by()
            .first()
        )

    @property
    def language(self) -> str:
        return self.pack.language if self.pack else Language.ENGLISH

    @property
    def pack_id(self) -> UUID | None:
        return self.pack.pk if self.pack else None

    def build(
        self,
        message: str,
        max_tokens: int,
        history: Iterable[Said] = (),
        summary: str = "",
    ) -> Context:
        """Return persona, prompt, what was said and the best passages, within a budget.

        `history` is oldest first; `summary` is of what came before it. The question
        itself is not counted.
        """
        history = list(history)
        overhead = dialogue.OVERHEAD_TOKENS
        if overhead > max_tokens:
            # No prompt can be so short; what is asked for then is a figure.
            overhead = 0
        instructions = within(self.instructions(), max_tokens - overhead)
        left = max_tokens - overhead - estimate_tokens(instructions)
        for_history = int(left * HISTORY_SHARE)
        summary = _shortened(summary, int(for_history * SUMMARY_SHARE))
        kept = _latest(history, for_history - dialogue.summary_tokens(summary))
        context = Context(instructions, (), kept, summary, overhead)
        earlier = [one.content for one in history if one.role == MessageRole.USER]
        found = self.passages(message, tuple(earlier))
        passages = _fitting(found, max_tokens - context.tokens)
        return Context(instructions, passages, kept, summary, overhead)

    def instructions(self) -> str:
        prompts = (self.version.persona_prompt, self.version.system_prompt)
        # An agent whose author wrote nothing has its persona's prompt for its own.
        told = dict.fromkeys(prompt.strip() for prompt in prompts if prompt.strip())
        return "\n\n".join(told)

    def passages(self, message: str, earlier: tuple[str, ...]) -> list[Passage]:
        if self.pack is None:
            return []
        return search(
            knowledge_pack_id=self.pack.pk,
            question=query_rewriting.standalone(message, earlier),
        )

    def topics(self) -> tuple[str, ...]:
        """Return a few titles, to tell a visitor what may be asked."""
        if self.pack is None:
            return ()
        titles = (
            Document.objects.filter(knowledge_pack=self.pack, chunk_count__gt=0)
            .order_by("created_at", "pk")
            .values_list("title", flat=True)
        )
        return tuple(titles[: dialogue.MOST_TOPICS])


def _latest(history: list[Said], tokens: int) -> tuple[Said, ...]:
    """Return the latest messages that fit; one that does not ends it."""
    kept: list[Said] = []
    for said in reversed(history):
        tokens -= dialogue.said_tokens(said)
        if tokens < 0:
            break
        kept.append(said)
    return tuple(reversed(kept))


def _shortened(summary: str, tokens: int) -> str:
    """Cut a summary so that its section costs no more."""
    while summary and dialogue.summary_tokens(summary) > tokens:
        over = dialogue.summary_tokens(summary) - tokens
        summary = within(summary, estimate_tokens(summary) - max(over // 6, 1))
    return summary


def _fitting(found: Iterable[Passage], tokens: int) -> tuple[Passage, ...]:
    """Return the passages that fit, best first; a long one may be left out."""
    chosen: list[Passage] = []
    for passage in found:
        cost = dialogue.passage_tokens(len(chosen) + 1, passage)
        if cost <= tokens:
            chosen.append(passage)
            tokens -= cost
    return tuple(chosen)
