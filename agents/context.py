"""What an agent is told before it answers: its prompts, and passages that fit."""

from dataclasses import dataclass
from uuid import UUID

from agents.knowledge import questions
from agents.knowledge.search import Passage, search
from agents.llm.provider import CHARACTERS_PER_TOKEN, estimate_tokens
from agents.models.knowledge import Document, KnowledgePack, Language
from agents.models.versions import AgentVersion

MAX_TOPICS = 3


@dataclass(frozen=True)
class Context:
    instructions: str
    passages: tuple[Passage, ...]

    @property
    def tokens(self) -> int:
        return estimate_tokens(self.instructions) + sum(
            estimate_tokens(written(passage)) for passage in self.passages
        )


def written(passage: Passage) -> str:
    """Write a passage out with what it belongs to."""
    return f"{passage.title}\n{passage.heading}\n{passage.text}"


class ContextService:
    """Builds the context of one version of an agent."""

    def __init__(self, agent_version: AgentVersion) -> None:
        self.version = agent_version
        # By the organization too: a version can never open another's pack.
        self.pack = (
            KnowledgePack.objects.filter(
                pk=agent_version.knowledge_pack_id,
                organization_id=agent_version.agent.organization_id,
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
        self, message: str, max_tokens: int, earlier: tuple[str, ...] = ()
    ) -> Context:
        """Return persona, prompt and the best passages, within a budget of tokens.

        `earlier` are the visitor's questions before this one, oldest first.
        """
        instructions = self.instructions()[: max_tokens * CHARACTERS_PER_TOKEN]
        left = max_tokens - estimate_tokens(instructions)
        chosen = []
        for passage in self.passages(message, earlier):
            cost = estimate_tokens(written(passage))
            if cost <= left:
                chosen.append(passage)
                left -= cost
        return Context(instructions, tuple(chosen))

    def instructions(self) -> str:
        prompts = (self.version.persona_prompt, self.version.system_prompt)
        return "\n\n".join(prompt.strip() for prompt in prompts if prompt.strip())

    def passages(self, message: str, earlier: tuple[str, ...]) -> list[Passage]:
        if self.pack is None:
            return []
        return search(
            knowledge_pack_id=self.pack.pk,
            question=questions.standalone(message, earlier),
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
        return tuple(titles[:MAX_TOPICS])
