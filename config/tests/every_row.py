"""One row at least of every model, for pages that show all of them."""

from accounts.models import AuditAnchor, IdempotencyKey, WebhookAttempt
from accounts.organizations.members import invite_member
from accounts.tests.factories import make_key, make_webhook
from accounts.webhooks.endpoints import send_test_event
from agents.conversations.retention import set_retention
from agents.custody.runs import start_run
from agents.custody.suites import create_test
from agents.inbox.canned_replies import create_canned_reply
from agents.inbox.handover import take
from agents.inbox.notes import add_note
from agents.inbox.preferences import set_preference
from agents.knowledge.web.sites import create_source
from agents.lifecycle.stats import update_agent_stats_batch
from agents.models import (
    Chunk,
    CustodyResult,
    Document,
    DocumentFile,
    InboxNotice,
    Renewal,
    Reply,
    Session,
    SessionSummary,
    VectorIndex,
)
from agents.tests.factories import (
    AgentFactory,
    DocumentFactory,
    ProviderAccountFactory,
    RatingFactory,
    TagFactory,
)
from agents.usage.budgets import reserve_for_reply, set_caps, settle_reply
from metrics.models import AgentMetrics, MetricEvent
from widget.models import RefreshToken, WidgetSession, digest


def add_usage(agent, reply):
    """Settle what one answer cost, and hold what the next one may."""
    set_caps(agent=agent, actor=None, max_messages_per_month=100)
    reserve_for_reply(reply, agent, "When do you open?")
    settle_reply(reply, tokens=20)
    reserve_for_reply(reply, agent, "And on Sunday?")


def add_custody(agent):
    grader = {"type": "contains", "value": "nine"}
    create_test(
        agent=agent,
        created_by=None,
        name="Opening hours",
        question="When do you open?",
        graders=[grader],
    )
    run, _ = start_run(agent=agent, started_by=None)
    CustodyResult.objects.create(
        run=run, position=0, passed=True, grades=[], transcript=[], duration_ms=4
    )


def uploaded_document(organization) -> Document:
    document = DocumentFactory(knowledge_pack__organization=organization)
    pack, text = document.knowledge_pack, "A passage."
    Chunk.objects.create(document=document, knowledge_pack=pack, position=0, text=text)
    DocumentFile.objects.create(document=document, content=text.encode())
    create_source(knowledge_pack=pack, url="https://shop.example", created_by=None)
    return document


def add_feedback(session):
    RatingFactory(message__session=session)
    TagFactory(organization=session.organization)


def add_inbox(session, ada):
    """One row of each model of the inbox."""
    mine = {"organization": ada.organization}
    take(session=session, actor=ada.user)
    add_note(session=session, author=ada.user, text="She called yesterday.")
    set_preference(user=ada.user, changes={"notify": "all"}, **mine)
    InboxNotice.objects.create(session=session, membership=ada, kind="waiting")
    create_canned_reply(actor=ada.user, shortcut="hi", text="Hello.", **mine)


def fill(ada) -> str:
    """Make them, and return the raw key among them."""
    AuditAnchor.objects.create()
    IdempotencyKey.objects.create(organization=ada.organization, idempotency_key="k")
    document = uploaded_document(ada.organization)
    agent = AgentFactory(
        organization=ada.organization,
        created_by=ada.user,
        knowledge_pack_id=document.knowledge_pack_id,
        auto_optimize=True,
    )
    session = Session.objects.create(
        organization=ada.organization,
        visitor_id="v_1",
        agent_id=str(agent.public_id),
        agent_ref=agent,
    )
    question = session.add_message("user", "When do you open?")
    SessionSummary.objects.create(session=session, text="They met.", covers=1)
    add_usage(agent, Reply.objects.create(session=session, question=question))
    add_custody(agent)
    update_agent_stats_batch([agent.pk])
    VectorIndex.objects.get_or_create(knowledge_pack=document.knowledge_pack)
    Renewal.objects.create(knowledge_pack=document.knowledge_pack, version=1)
    add_feedback(session)
    set_retention(organization=ada.organization, days=90, actor=ada.user)
    metrics = AgentMetrics.objects.get(agent_type=agent.slug)
    MetricEvent.objects.create(
        organization=ada.organization,
        metrics=metrics,
        sequence=1,
        kind="learning",
        occurred_at=question.created_at,
    )
    widget_session = WidgetSession.objects.create(
        agent=agent, session=session, origin="https://harbor.example"
    )
    RefreshToken.objects.create(
        widget_session=widget_session, digest=digest("a refresh token")
    )
    add_inbox(session, ada)
    invite_member(
        organization=ada.organization,
        actor=ada.user,
        email="new@example.com",
        role="viewer",
    )
    webhook, _ = make_webhook(ada, "https://example.com/hook")
    send_test_event(endpoint=webhook, actor=ada.user)
    WebhookAttempt.objects.create(
        delivery=webhook.deliveries.get(),
        number=1,
        started_at=question.created_at,
        duration_ms=5,
        response_status=204,
    )
    ProviderAccountFactory(organization=ada.organization)
    return make_key(ada, name="Till")
