"""What the browser tests of the dashboard look at: one organization, well filled."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access.api_keys import create_api_key
from accounts.models import (
    Membership,
    Role,
    Scope,
    WebhookDelivery,
    WebhookEndpoint,
    WorkStatus,
)
from accounts.organizations.members import invite_member, token_of
from accounts.tests.factories import MembershipFactory, make_webhook
from accounts.webhooks.endpoints import send_test_event
from agents.conversations.ratings import rate
from agents.conversations.tags import add_tag
from agents.custody.runs import perform, start_run
from agents.custody.suites import create_test
from agents.inbox.canned_replies import create_canned_reply
from agents.inbox.handover import answer as say
from agents.inbox.handover import leave_email, take
from agents.inbox.notes import add_note
from agents.lifecycle.editing import update_agent
from agents.models import (
    Agent,
    CannedReply,
    CustodyRun,
    Document,
    KnowledgeSource,
    OptimizationRun,
    OptimizationStatus,
    ProviderAccount,
    Session,
)
from agents.replies.interruption import regenerate
from agents.replies.production import produce
from agents.replies.questions import ask
from agents.tests.factories import AgentFactory, ProviderAccountFactory, SessionFactory
from config.tests.knowledge_world import filled_knowledge
from metrics.demo import load_history
from metrics.ledger import open_scoreboard
from metrics.models import AgentMetrics

NAMES = ["Shipping desk", "Returns and refunds", "Bean finder", "Wholesale desk"]


@dataclass
class World:
    member: Membership
    desk: Agent
    improving: Agent
    session: Session
    empty: Membership
    delivery: WebhookDelivery
    run: CustodyRun
    account: ProviderAccount
    document: Document
    unread: Document
    site: KnowledgeSource
    # A conversation that waits, one Ada has taken over, a text to answer with.
    waiting: Session
    taken: Session
    canned: CannedReply
    # What the links of two invitations end with.
    token: str
    known_token: str

    def pages(self) -> dict[str, str]:
        """Return the address of every page a member can open."""
        agent = [self.desk.public_id]
        return {
            "agents": reverse("agents:list"),
            "agents, none found": reverse("agents:list") + "?q=nothing+by+this+name",
            "new agent": reverse("agents:create"),
            **self.ways_to_an_agent(),
            "agent": reverse("agents:detail", args=agent),
            "agent, improving": reverse(
                "agents:detail", args=[self.improving.public_id]
            ),
            "settings": reverse("agents:edit", args=agent),
            "all conversations": reverse("agents:all_conversations"),
            "conversations, found": reverse("agents:all_conversations")
            + "?search=norway&rating=down",
            "conversations, none found": reverse("agents:all_conversations")
            + "?search=surfboard&status=wrong",
            "keeping": reverse("agents:retention"),
            "conversations": reverse("agents:conversations", args=agent),
            "conversation": reverse(
                "agents:conversation", args=[*agent, self.session.pk]
            ),
            "try": reverse("agents:try", args=agent),
            "tests": reverse("agents:tests", args=agent),
            "tests, none yet": reverse("agents:tests", args=[self.improving.public_id]),
            "new test": reverse("agents:new_test", args=agent),
            "test": reverse("agents:edit_test", args=[*agent, self.run.test.pk]),
            "run": reverse("agents:run", args=[*agent, self.run.pk]),
            **self.of_knowledge(),
            **self.of_inbox(),
            "metrics": reverse("metrics:overview"),
            "metrics, none found": reverse("metrics:overview")
            + "?search=nobody&interval=week&status=wrong",
            "scoreboard": reverse("metrics:portrait", args=["imperium"]),
            "scoreboard, untested": reverse("metrics:portrait", args=["novice"]),
            "record": reverse("metrics:record", args=["imperium"]),
            "reset": reverse("metrics:reset", args=["imperium"]),
            "usage": reverse("agents:usage"),
            "models": reverse("agents:models"),
            "model account": reverse("agents:model_account", args=[self.account.pk]),
            "caps": reverse("agents:caps", args=agent),
            "keys": reverse("accounts:api_keys"),
            "webhooks": reverse("accounts:webhooks"),
            "webhook": reverse("accounts:webhook", args=[self.delivery.endpoint_id]),
            "delivery": reverse(
                "accounts:webhook_delivery",
                args=[self.delivery.endpoint_id, self.delivery.pk],
            ),
            "members": reverse("accounts:members"),
            "audit": reverse("accounts:audit"),
            "audit, none found": reverse("accounts:audit") + "?person=nobody",
            "organizations": reverse("accounts:organizations"),
            "organization settings": reverse("accounts:settings"),
            "your data": reverse("accounts:my_data"),
            "account": reverse("accounts:account"),
            "password": reverse("account_change_password"),
            "address": reverse("account_email"),
        }

    def ways_to_an_agent(self) -> dict[str, str]:
        """Return the pages that make one from a file or a template."""
        ready = reverse("agents:template", args=["customer_support"])
        return {
            "import": reverse("agents:import"),
            "templates": reverse("agents:templates"),
            "template": f"{ready}?industry=healthcare",
        }

    def of_inbox(self) -> dict[str, str]:
        return {
            "inbox": reverse("agents:inbox"),
            "inbox, none found": reverse("agents:inbox") + "?view=mine&q=nothing",
            "inbox, waiting": reverse(
                "agents:inbox_conversation", args=[self.waiting.pk]
            ),
            "inbox, taken": reverse("agents:inbox_conversation", args=[self.taken.pk]),
            "canned replies": reverse("agents:canned"),
            "canned reply": reverse("agents:canned_edit", args=[self.canned.pk]),
            "inbox preferences": reverse("agents:inbox_preferences"),
        }

    def of_knowledge(self) -> dict[str, str]:
        pack = [self.desk.knowledge_pack_id]
        return {
            "packs": reverse("agents:knowledge_list"),
            "pack": reverse("agents:knowledge_detail", args=pack),
            "question": reverse("agents:knowledge_search", args=pack) + "?q=Norway",
            "document": reverse(
                "agents:knowledge_document", args=[*pack, self.document.pk]
            )
            + "?q=Norway",
            "document, failed": reverse(
                "agents:knowledge_document", args=[*pack, self.unread.pk]
            ),
            "site": reverse("agents:knowledge_site", args=[*pack, self.site.pk]),
        }

    def entrances(self) -> dict[str, str]:
        """Return the address of every page that needs no sign-in."""
        return {
            "sign in": reverse("account_login"),
            "sign up": reverse("account_signup"),
            "forgotten": reverse("account_reset_password"),
            "forgotten, sent": reverse("account_reset_password_done"),
            "forgotten, done": reverse("account_reset_password_from_key_done"),
            "inactive": reverse("account_inactive"),
            "nothing": "/nothing-here/",
            "join": reverse("accounts:invitation", args=[self.token]),
            "join, known": reverse("accounts:invitation", args=[self.known_token]),
            "join, too late": reverse("accounts:invitation", args=["0" * 96]),
        }


def cookies_of(member: Membership, address: str) -> list[dict[str, str]]:
    """Sign a member in and return what their browser keeps."""
    client = Client()
    client.force_login(member.user)
    name = settings.SESSION_COOKIE_NAME
    return [{"name": name, "value": client.cookies[name].value, "url": address}]


@transaction.atomic
def build_world() -> World:
    """Fill the database as weeks of use would.

    At once: the worker beside the tests must not take up what is done here.
    """
    member = MembershipFactory(
        user__email="ada@example.com",
        user__name="Ada Owner",
        organization__name="Harbor Coffee",
    )
    member.user.set_password("a long enough passphrase")
    member.user.save()
    MembershipFactory(user=member.user, organization__name="Rye Bakery")
    harbor = member.organization
    pack, document, unread, site = filled_knowledge(harbor)
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
    load_history(harbor)
    open_scoreboard(organization=harbor, agent_id="novice_agent", agent_type="novice")
    session, *_ = [_talk(desk, days) for days in (0, 1, 1, 5, 9)]
    _think(session, member)
    empty = MembershipFactory(organization__name="Empty Shelf")
    tokens = _invite(member, "noor@example.com", empty.user.email)
    changes = {"name": "Shipping desk", "description": "Answers on delivery."}
    update_agent(agent=desk, actor=member.user, changes=changes)
    delivery = _delivery(member)
    run = _run(member, desk)
    account = ProviderAccountFactory(
        organization=harbor,
        is_default=True,
        known_models=["small-1", "large-1", "embed-1"],
        checked_at=timezone.now(),
        check_error="Maker refused the API key (401).",
    )
    seen = (session, empty, delivery, run, account, document, unread, site)
    return World(member, desk, improving, *seen, *_inbox(member, desk), *tokens)


def _inbox(member: Membership, agent: Agent) -> tuple[Session, Session, CannedReply]:
    """Let one visitor wait and another talk with Ada, and keep a text."""
    made = create_canned_reply(
        organization=member.organization,
        actor=member.user,
        shortcut="hello",
        text="Hello {{visitor}}, a person from {{agent}} here.",
    )
    waits, taken = (_talk(agent, 0) for _ in range(2))
    ask(session=waits, content="Can I talk to a person?")
    leave_email(session=waits, email="lena@example.com")
    take(session=taken, actor=member.user)
    say(session=taken, actor=member.user, content="Hello, Ada here.")
    ask(session=taken, content="Where is my parcel?")
    add_note(session=taken, author=member.user, text="Called twice already.")
    said = taken.message_rows.filter(role="assistant").first()
    rate(session=taken, message_id=said.pk, value="down", comment="Not true.")
    return waits, taken, made


def _run(member: Membership, agent: Agent) -> CustodyRun:
    """Put a test that passes, one that fails and every attack to an agent."""
    for name, value in (("Names the days", "five working days"), ("Sings", "la la la")):
        test, _ = create_test(
            agent=agent,
            created_by=member.user,
            name=name,
            question="How long do parcels to Norway take?",
            graders=[{"type": "contains", "value": value}],
        )
    run, _ = start_run(agent=agent, started_by=member.user)
    perform(run.pk)
    run.test = test
    return run


def _invite(member: Membership, *addresses: str) -> list[str]:
    """Fill the list of members, invite more, and return their links' secrets."""
    harbor = member.organization
    for name, role in (("Bo Viewer", Role.VIEWER), ("Cleo Editor", Role.EDITOR)):
        MembershipFactory(organization=harbor, user__name=name, role=role)
    invitations = [
        invite_member(
            organization=harbor, actor=member.user, email=address, role=Role.EDITOR
        )
        for address in addresses
    ]
    return [token_of(invitation) for invitation in invitations]


def _delivery(member: Membership) -> WebhookDelivery:
    """Make a webhook with one delivery in each state; return one tried twice."""
    endpoint, _ = make_webhook(
        member, "https://till.harborcoffee.example/hooks?branch=1", description="Till"
    )
    paused, _ = make_webhook(member, "https://old.harborcoffee.example/hooks")
    gone = {"is_active": False, "disabled_reason": "The receiver answered 410."}
    WebhookEndpoint.objects.filter(pk=paused.pk).update(**gone)
    for status in WorkStatus.values:
        delivery = send_test_event(endpoint=endpoint, actor=member.user)
        WebhookDelivery.objects.filter(pk=delivery.pk).update(
            status=status, run_after=timezone.now() + timedelta(days=1)
        )
    for number, answer in ((1, None), (2, 500)):
        delivery.attempts.create(
            number=number,
            started_at=timezone.now(),
            duration_ms=15_000 // number,
            response_status=answer,
            response_body="<h1>Out of beans</h1>" if answer else "",
            error=f"The receiver answered {answer}." if answer else "No answer.",
        )
    return delivery


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


def _think(session: Session, member: Membership) -> None:
    """Rate, file and replace; the last answer is still to come."""
    answer = session.message_rows.last()
    rate(session=session, message_id=answer.pk, value="down", comment="Six days.")
    rate(session=session, message_id=answer.pk, value="up", user=member.user)
    add_tag(session=session, name="Norway", actor=member.user)
    reply = ask(session=session, content="And to Sweden?")[1]
    produce(reply.pk)
    reply.refresh_from_db()
    regenerate(session=session, message_id=reply.answer_id)


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
