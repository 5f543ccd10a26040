"""What the browser tests of the dashboard look at: one organization, well filled."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.keys import create_api_key
from accounts.models import Membership, Scope
from accounts.tests.factories import MembershipFactory
from agents.knowledge.indexing import index_document
from agents.models import Agent, OptimizationRun, OptimizationStatus, Session
from agents.tests.factories import (
    AgentFactory,
    DocumentFactory,
    KnowledgePackFactory,
    SessionFactory,
)
from metrics.models import AgentMetrics

NAMES = ["Shipping desk", "Returns and refunds", "Bean finder", "Wholesale desk"]
SHIPPING = "# Norway\n\nParcels to Norway take five working days and cost 9 euros."


@dataclass
class World:
    member: Membership
    desk: Agent
    improving: Agent
    session: Session
    empty: Membership

    def pages(self) -> dict[str, str]:
        """Return the address of every page a member can open."""
        agent = [self.desk.public_id]
        pack = [self.desk.knowledge_pack_id]
        return {
            "agents": reverse("agents:list"),
            "agents, none found": reverse("agents:list") + "?q=nothing+by+this+name",
            "new agent": reverse("agents:create"),
            "agent": reverse("agents:detail", args=agent),
            "agent, improving": reverse(
                "agents:detail", args=[self.improving.public_id]
            ),
            "settings": reverse("agents:edit", args=agent),
            "conversations": reverse("agents:conversations", args=agent),
            "conversation": reverse(
                "agents:conversation", args=[*agent, self.session.pk]
            ),
            "try": reverse("agents:try", args=agent),
            "packs": reverse("agents:knowledge_list"),
            "pack": reverse("agents:knowledge_detail", args=pack),
            "keys": reverse("accounts:api_keys"),
            "password": reverse("account_change_password"),
        }


def cookies_of(member: Membership, address: str) -> list[dict[str, str]]:
    """Sign a member in and return what their browser keeps."""
    client = Client()
    client.force_login(member.user)
    name = settings.SESSION_COOKIE_NAME
    return [{"name": name, "value": client.cookies[name].value, "url": address}]


def build_world() -> World:
    """Fill the database as weeks of use would."""
    member = MembershipFactory(
        user__email="ada@example.com",
        user__name="Ada Owner",
        organization__name="Harbor Coffee",
    )
    member.user.set_password("a long enough passphrase")
    member.user.save()
    MembershipFactory(user=member.user, organization__name="Rye Bakery")
    harbor = member.organization
    pack = KnowledgePackFactory(organization=harbor, name="Shipping and returns")
    document = DocumentFactory(
        knowledge_pack=pack,
        title="Shipping times",
        content=SHIPPING,
        source_url="https://harborcoffee.example/shipping",
    )
    index_document(str(document.pk))
    desk, *others = [_agent(member, name, pack.pk) for name in NAMES]
    Agent.objects.filter(pk=others[1].pk).update(is_active=False)
    # Waits for a worker that never looks: its page stays as it is.
    improving = others[0]
    version = improving.live_version
    OptimizationRun.objects.create(
        agent=improving,
        base_version=version,
        run_after=timezone.now() + timedelta(days=1),
    )
    Agent.objects.filter(pk=improving.pk).update(
        optimization_status=OptimizationStatus.PENDING
    )
    create_api_key(
        user=member.user, organization=harbor, name="Shop", scopes=[Scope.CHAT]
    )
    session, *_ = [_talk(desk, days) for days in (0, 1, 1, 5, 9)]
    empty = MembershipFactory(organization__name="Empty Shelf")
    return World(member, desk, improving, session, empty)


def _agent(member: Membership, name: str, pack_id) -> Agent:
    agent = AgentFactory(
        organization=member.organization,
        created_by=member.user,
        name=name,
        description="Answers questions on delivery, tracking and customs.",
        persona_key="support_expert",
        knowledge_pack_id=pack_id,
        allowed_origins=["https://harborcoffee.example"],
        system_prompt="Name the carrier first.\n\nThen the price.",
    )
    AgentMetrics.objects.filter(agent_type=agent.slug).update(
        total_tests_given=44,
        total_tests_passed=41,
        total_tests_failed=3,
        pass_rate=0.9318,
        xp=1100,
        level=5,
    )
    return agent


def _talk(agent: Agent, days: int) -> Session:
    session = SessionFactory(agent_ref=agent)
    session.add_message("user", "Do you ship to Norway?")
    source = {
        "number": 1,
        "document_id": "0",
        "title": "Shipping times",
        "url": "https://harborcoffee.example/shipping",
        "passage": "Parcels to Norway take five working days.",
    }
    session.add_message("assistant", "Yes, in five days. [1]", citations=[source])
    moment = timezone.now() - timedelta(days=days)
    Session.objects.filter(pk=session.pk).update(
        created_at=moment, last_activity_at=moment
    )
    return session
