import factory
from factory.django import DjangoModelFactory

from accounts.tests.factories import OrganizationFactory
from agents.creation import create_agent
from agents.models import Agent, Document, KnowledgePack


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
