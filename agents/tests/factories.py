import factory
from factory.django import DjangoModelFactory

from accounts.encryption import encrypt
from accounts.tests.factories import OrganizationFactory
from agents.knowledge.embedding_jobs import embed_pack
from agents.knowledge.indexing import index_document
from agents.lifecycle.creation import create_agent
from agents.models import (
    Agent,
    AgentStats,
    Document,
    KnowledgePack,
    Message,
    MessageRole,
    ProviderAccount,
    Rating,
    Session,
    Tag,
)


class KnowledgePackFactory(DjangoModelFactory):
    class Meta:
        model = KnowledgePack

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Pack {n}")


class DocumentFactory(DjangoModelFactory):
    class Meta:
        model = Document

    knowledge_pack = factory.SubFactory(KnowledgePackFactory)
    organization = factory.SelfAttribute("knowledge_pack.organization")
    title = factory.Sequence(lambda n: f"Document {n}")
    content = factory.Sequence(lambda n: f"What document {n} says.")
    content_hash = factory.LazyAttribute(lambda row: Document.hash_of(row.content))


class ProviderAccountFactory(DjangoModelFactory):
    """An account at a maker where nobody answers."""

    class Meta:
        model = ProviderAccount

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Maker {n}")
    kind = "other"
    base_url = "http://127.0.0.1:9/v1"
    encrypted_key = factory.LazyFunction(lambda: encrypt("sk-very-secret-1234"))
    key_last_four = "1234"
    default_model = "small-1"


class AgentFactory(DjangoModelFactory):
    """Agents as the product makes them: by its one way of creation."""

    class Meta:
        model = Agent

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Agent {n}")
    auto_optimize = False

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        kwargs.setdefault("created_by", None)
        return create_agent(*args, **kwargs)[0]


class AgentStatsFactory(DjangoModelFactory):
    """Totals of an agent that were counted a while ago."""

    class Meta:
        model = AgentStats

    agent = factory.SubFactory(AgentFactory)


class SessionFactory(DjangoModelFactory):
    """A visitor's conversation with an agent."""

    class Meta:
        model = Session

    agent_ref = factory.SubFactory(AgentFactory)
    agent_id = factory.LazyAttribute(lambda row: str(row.agent_ref.public_id))
    organization = factory.SelfAttribute("agent_ref.organization")
    visitor_id = factory.Sequence(lambda n: f"visitor-{n}")


class MessageFactory(DjangoModelFactory):
    """Messages as the product makes them: appended to their conversation."""

    class Meta:
        model = Message

    session = factory.SubFactory(SessionFactory)
    role = MessageRole.USER
    content = factory.Sequence(lambda n: f"Question {n}?")

    @classmethod
    def _create(cls, model_class, *args, session, role, content, **kwargs):
        return session.add_message(role, content, **kwargs)


class RatingFactory(DjangoModelFactory):
    """What a visitor thinks of an answer."""

    class Meta:
        model = Rating

    message = factory.SubFactory(
        MessageFactory, role=MessageRole.ASSISTANT, content="An answer."
    )
    session = factory.SelfAttribute("message.session")
    value = "up"


class TagFactory(DjangoModelFactory):
    class Meta:
        model = Tag

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"tag {n}")


def filled_pack(*texts: str, **fields) -> KnowledgePack:
    """Return a pack of indexed documents; a text begins with its title."""
    pack = KnowledgePackFactory(**fields)
    for text in texts:
        title = text.strip().splitlines()[0].strip("# ")
        document = DocumentFactory(knowledge_pack=pack, title=title, content=text)
        index_document(str(document.pk))
    embed_pack(str(pack.pk))
    return pack


def knowing_agent(*texts: str, **fields) -> Agent:
    """Return an agent that has read these texts."""
    organization = fields.pop("organization", None) or OrganizationFactory()
    pack = filled_pack(*texts, organization=organization)
    return AgentFactory(organization=organization, knowledge_pack_id=pack.pk, **fields)
