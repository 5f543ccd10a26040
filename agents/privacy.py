"""What `agents` keeps of people, visitors and organizations."""

import base64
from collections.abc import Iterator

from django.db import models

from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.privacy.archives import rows_of
from accounts.privacy.registry import (
    Kind,
    Row,
    Section,
    Steps,
    Visitor,
    erase_rows,
    register,
)
from agents.conversations import event_stream
from agents.models.agents import Agent
from agents.models.custody import CustodyResult, CustodyRun, CustodyTest
from agents.models.feedback import Rating, Tag
from agents.models.inbox import CannedReply, InboxEntry, InboxPreference, Note
from agents.models.knowledge import Document, DocumentFile, KnowledgePack
from agents.models.personas import Persona
from agents.models.providers import ProviderAccount
from agents.models.retention import RetentionPolicy
from agents.models.sessions import Message, MessageRole, Session
from agents.models.sources import KnowledgeSource, SourcePage
from agents.models.usage import AgentBudget, UsageDay, UsageMonth
from agents.models.versions import AgentVersion, OptimizationRun

REPETITION = ("idempotency_key", "request_fingerprint")
AT_ONCE = 200
NOBODY = {"name": "A former member", "title": ""}


# --- Whose conversations ----------------------------------------------------
def conversations(sessions: models.QuerySet) -> Iterator[Section]:
    """Give out what was said, and where an answer was wanted; no member's notes."""
    yield "conversations", rows_of(sessions, *REPETITION)
    messages = Message.objects.filter(session__in=sessions.order_by().values("pk"))
    yield "messages", rows_of(messages, *REPETITION)
    ratings = Rating.objects.filter(session__in=sessions.order_by().values("pk"))
    yield "ratings", rows_of(ratings)
    entries = InboxEntry.objects.filter(session__in=sessions.order_by().values("pk"))
    yield "handovers", rows_of(entries, "assignee_id")


def forget_conversations(sessions: models.QuerySet) -> None:
    """Erase conversations with their messages, and what streams still hold."""
    sessions = sessions.order_by()
    while found := list(sessions.values_list("pk", flat=True)[:AT_ONCE]):
        Session.all_objects.filter(pk__in=found).delete()
        event_stream.forget(found)


def of_person(user: User) -> models.QuerySet:
    return Session.all_objects.filter(user=user)


def of_visitor(visitor: Visitor) -> models.QuerySet:
    return Session.all_objects.filter(
        organization=visitor.organization, visitor_id=visitor.visitor_id
    )


def person_sections(user: User) -> Iterator[Section]:
    """Give out one's conversations, and which things one has made."""
    yield from conversations(of_person(user))
    preferences = InboxPreference.objects.filter(membership__user=user)
    yield "inbox_preferences", rows_of(preferences)
    yield "authored/notes", named(Note.objects.filter(author=user), "text")
    answers = Message.objects.filter(author=user, role=MessageRole.ASSISTANT)
    yield "authored/answers", named(answers, "content")
    given = Rating.objects.filter(user=user)
    yield "given_ratings", rows_of(given, "message_id")
    yield "authored/agents", named(Agent.all_objects.filter(created_by_user=user))
    yield (
        "authored/versions",
        AgentVersion.objects.filter(author=user)
        .order_by("pk")
        .values("agent__public_id", "number", "note", "created_at")
        .iterator(chunk_size=AT_ONCE),
    )
    packs = KnowledgePack.objects.filter(created_by_user=user)
    yield "authored/knowledge_packs", named(packs)
    documents = Document.objects.filter(created_by_user=user)
    yield "authored/documents", named(documents, "title")
    tests = CustodyTest.objects.filter(created_by_user=user)
    yield "authored/custody_tests", named(tests)
    runs = CustodyRun.objects.filter(started_by_user=user)
    yield "authored/custody_runs", named(runs, "number")


def named(rows: models.QuerySet, name: str = "name") -> Iterator[Row]:
    """Name things that belong to an organization, not what is in them."""
    told = rows.order_by("pk").values("pk", name, "created_at")
    yield from told.iterator(chunk_size=AT_ONCE)


def forget_person(user: User) -> None:
    # What they made belongs to the organization; their name in it goes with the row.
    forget_conversations(of_person(user))
    # Visitors' conversations keep what was answered, and no longer by whom.
    said = Message.objects.filter(author=user).order_by()
    while found := list(said[:AT_ONCE]):
        for message in found:
            message.author, message.metadata["person"] = None, NOBODY
        Message.objects.bulk_update(found, ["author", "metadata"])
    InboxEntry.objects.filter(assignee=user).update(assignee=None, person=NOBODY)


def visitor_sections(visitor: Visitor) -> Iterator[Section]:
    yield from conversations(of_visitor(visitor))


def forget_visitor(visitor: Visitor) -> None:
    forget_conversations(of_visitor(visitor))


# --- Organizations ----------------------------------------------------------
def organization_sections(organization: Organization) -> Iterator[Section]:
    mine = {"organization": organization}
    of_agents = {"agent__organization": organization}
    yield "personas", rows_of(Persona.objects.filter(**mine))
    yield "agents", rows_of(Agent.all_objects.filter(**mine), *REPETITION)
    yield "agent_versions", rows_of(AgentVersion.objects.filter(**of_agents))
    yield "agent_budgets", rows_of(AgentBudget.objects.filter(**of_agents))
    yield "optimization_runs", rows_of(OptimizationRun.objects.filter(**of_agents))
    yield "knowledge_packs", rows_of(KnowledgePack.objects.filter(**mine))
    yield "documents", rows_of(Document.objects.filter(**mine), *REPETITION)
    yield "document_files", files_of(organization)
    sites = KnowledgeSource.objects.filter(**mine)
    yield "knowledge_sources", rows_of(sites, *REPETITION)
    pages = SourcePage.objects.filter(source__organization=organization)
    yield "source_pages", rows_of(pages)
    yield from conversations(Session.all_objects.filter(**mine))
    yield "notes", rows_of(Note.objects.filter(**mine))
    yield "canned_replies", rows_of(CannedReply.objects.filter(**mine))
    chosen = InboxPreference.objects.filter(membership__organization=organization)
    yield "inbox_preferences", rows_of(chosen)
    yield "tags", rows_of(Tag.objects.filter(**mine))
    tagged = Tag.sessions.through.objects.filter(tag__organization=organization)
    yield "conversation_tags", rows_of(tagged)
    tests = CustodyTest.objects.filter(**of_agents)
    yield "custody_tests", rows_of(tests, *REPETITION)
    yield "custody_runs", rows_of(CustodyRun.objects.filter(**of_agents), *REPETITION)
    results = CustodyResult.objects.filter(run__agent__organization=organization)
    yield "custody_results", rows_of(results)
    accounts = ProviderAccount.objects.filter(**mine)
    yield "model_accounts", rows_of(accounts, "encrypted_key")
    policies = RetentionPolicy.objects.filter(**mine)
    yield "retention_policies", rows_of(policies)
    yield "usage_months", rows_of(UsageMonth.objects.filter(**mine))
    yield "usage_days", rows_of(UsageDay.objects.filter(**mine))


def files_of(organization: Organization) -> Iterator[Row]:
    """Give out uploaded files, one at a time: each may be large."""
    files = DocumentFile.objects.filter(document__organization=organization)
    for document_id in files.order_by("pk").values_list("pk", flat=True).iterator():
        file = files.filter(pk=document_id).values_list("content", flat=True).first()
        if file is not None:
            content = base64.b64encode(file).decode()
            yield {"document_id": document_id, "content_base64": content}


def forget_organization(organization: Organization) -> None:
    """Erase its rows, a group at a time; the rest goes with the organization's."""
    mine = {"organization": organization}
    forget_conversations(Session.all_objects.filter(**mine))
    erase_rows(Agent.all_objects.filter(**mine))
    erase_rows(Document.objects.filter(**mine))
    erase_rows(KnowledgePack.objects.filter(**mine))
    # After agents and versions, which protect them.
    erase_rows(Persona.objects.filter(**mine))


def register_steps() -> None:
    register(Kind.PERSON, "agents", Steps(export=person_sections, erase=forget_person))
    register(
        Kind.VISITOR, "agents", Steps(export=visitor_sections, erase=forget_visitor)
    )
    register(
        Kind.ORGANIZATION,
        "agents",
        Steps(export=organization_sections, erase=forget_organization),
    )
