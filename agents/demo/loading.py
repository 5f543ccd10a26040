"""Load Harbor Coffee in one transaction, by the functions everybody uses."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.audit import log as audit
from accounts.models.audit import AuditAction
from accounts.models.organizations import Membership, Organization, Plan
from accounts.models.users import User
from agents.conversations.opening import start_session
from agents.demo import harbor
from agents.demo.desk import fill_inbox
from agents.demo.visits import VISITS
from agents.knowledge.documents import create_document
from agents.knowledge.indexing import index_document
from agents.knowledge.packs import create_knowledge_pack
from agents.lifecycle.creation import create_agent
from agents.models.agents import Agent
from agents.models.knowledge import Document, KnowledgePack
from agents.models.replies import Reply
from agents.models.sessions import Channel, Message, Session
from agents.models.versions import AgentVersion, OptimizationRun
from agents.optimization.runs import optimize
from agents.replies.production import produce
from agents.replies.questions import ask
from metrics.demo import load_history

OPENED = timedelta(weeks=9)
ANSWERED_IN = timedelta(seconds=2)


@dataclass
class Demo:
    organization: Organization
    # None when it was here already, as only its hash is kept.
    password: str | None


@transaction.atomic
def load_demo() -> Demo:
    """Create Harbor Coffee with all it needs; when it is here, change nothing."""
    if organization := find_demo():
        return Demo(organization, None)
    password = secrets.token_urlsafe(9)
    people = _people(password)
    owner = people[harbor.OWNER]
    organization = _organization(people)
    packs = {
        folder: _pack(organization, owner, folder, *texts)
        for folder, texts in harbor.PACKS.items()
    }
    agents = [_agent(organization, owner, packs, wish) for wish in harbor.AGENTS]
    load_history(organization)
    with without_pauses():
        for index, visit in enumerate(VISITS):
            _converse(index, visit, agents, people)
        fill_inbox(organization, agents, people)
    _set_back(organization)
    return Demo(organization, password)


def find_demo() -> Organization | None:
    """Return the organization an earlier call has made, deleted ones included."""
    return Organization.all_objects.filter(settings__demo=True).first()


@transaction.atomic
def renew_password(demo: Demo) -> str:
    """Give the demo's people a new password, and return it."""
    password = secrets.token_urlsafe(9)
    emails = [*harbor.PEOPLE, harbor.OPERATOR]
    for user in User.objects.filter(email__in=emails):
        user.set_password(password)
        user.save(update_fields=["password", "updated_at"])
        audit.record(
            action=AuditAction.UPDATE,
            resource_type="user",
            resource_id=user.pk,
            organization_id=demo.organization.pk,
            changes={"password": {"old": None, "new": None}},
        )
    return password


def _people(password: str) -> dict[str, User]:
    """Create the team and the operator, who share a password."""
    # Hashed once: that is slow on purpose.
    encoded = make_password(password)
    operator = User.objects.create(
        email=harbor.OPERATOR,
        name="Olive Operator",
        password=encoded,
        is_staff=True,
        is_superuser=True,
    )
    team = {
        email: User.objects.create(email=email, name=name, password=encoded)
        for email, (name, _) in harbor.PEOPLE.items()
    }
    # Nobody reads their mail: they are made up.
    for user in (operator, *team.values()):
        user.verify_email()
    return team


def _organization(people: dict[str, User]) -> Organization:
    organization = Organization.objects.create(
        name=harbor.NAME, plan=Plan.PRO, settings={"demo": True}
    )
    for email, (_, role) in harbor.PEOPLE.items():
        Membership.objects.create(
            organization=organization, user=people[email], role=role
        )
    audit.record(
        action=AuditAction.CREATE,
        resource_type="organization",
        resource_id=organization.pk,
        organization_id=organization.pk,
        changes=audit.difference({}, {"name": harbor.NAME, "plan": Plan.PRO}),
    )
    return organization


def _pack(
    organization: Organization, owner: User, folder: str, name: str, description: str
) -> KnowledgePack:
    pack = create_knowledge_pack(
        organization=organization, name=name, description=description, created_by=owner
    )
    for path in sorted((harbor.TEXTS / folder).glob("*.md")):
        title, _, content = path.read_text(encoding="utf-8").partition("\n")
        document, _ = create_document(
            knowledge_pack=pack,
            title=title.removeprefix("# "),
            content=content.strip(),
            source_url=f"{harbor.HELP}/{path.stem}",
            created_by=owner,
        )
        # Here and now: there may be no worker yet.
        index_document(document.pk)
    return pack


def _agent(
    organization: Organization,
    owner: User,
    packs: dict[str, KnowledgePack],
    wish: dict,
) -> Agent:
    wishes = {name: value for name, value in wish.items() if name != "pack"}
    agent, _ = create_agent(
        organization=organization,
        created_by=owner,
        knowledge_pack_id=packs[wish["pack"]].pk,
        **wishes,
    )
    load_history(organization, [agent.slug])
    for run in OptimizationRun.objects.filter(agent=agent):
        optimize(run.pk)
    return agent


@contextmanager
def without_pauses() -> Iterator[None]:
    """Answer at once: nobody reads along."""
    kept = settings.GROUNDED_TOKEN_DELAY_MS
    settings.GROUNDED_TOKEN_DELAY_MS = 0
    try:
        yield
    finally:
        settings.GROUNDED_TOKEN_DELAY_MS = kept


def _converse(
    index: int, visit: tuple, agents: list[Agent], people: dict[str, User]
) -> None:
    name, days_ago, hour, email, questions = visit
    agent = next(agent for agent in agents if agent.name == name)
    session, _ = start_session(
        agent=Agent.objects.get(pk=agent.pk),
        channel=Channel.DASHBOARD if email else Channel.WIDGET,
        user=people.get(email),
        visitor_id="" if email else f"v_harbor{index:02}",
    )
    for question in questions:
        _, reply, _ = ask(session=session, content=question)
        produce(reply.pk)
    begun = timezone.now().replace(hour=hour, minute=7 * index % 60) - timedelta(
        days=days_ago
    )
    _set_time(session, begun)


def _set_time(session: Session, begun: datetime) -> None:
    """Date a conversation back: a question a minute, and the answer soon after."""
    moment = begun
    for message in Message.objects.filter(session=session).order_by("sequence"):
        moment = begun + timedelta(minutes=(message.sequence - 1) // 2)
        if message.sequence % 2 == 0:
            moment += ANSWERED_IN
        Message.objects.filter(pk=message.pk).update(created_at=moment)
        Reply.objects.filter(question=message).update(
            created_at=moment,
            first_token_at=moment + ANSWERED_IN / 2,
            finished_at=moment + ANSWERED_IN,
        )
    Session.objects.filter(pk=session.pk).update(
        created_at=begun, last_activity_at=moment
    )


def _set_back(organization: Organization) -> None:
    """Date agents and texts back to before the first test and conversation."""
    now, agents = timezone.now(), Agent.objects.filter(organization=organization)
    for index, agent in enumerate(agents.order_by("-pk")):
        changed = timedelta(days=2 * index, hours=5 + index)
        agents.filter(pk=agent.pk).update(updated_at=now - changed)
    for rows in (
        agents,
        AgentVersion.objects.filter(agent__in=agents),
        KnowledgePack.objects.filter(organization=organization),
        Document.objects.filter(organization=organization),
    ):
        rows.update(created_at=F("created_at") - OPENED)
