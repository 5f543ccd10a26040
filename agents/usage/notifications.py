"""Tell the owners, once a month, that most of a budget is used."""

from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models.organizations import UNLIMITED, Membership, Role
from accounts.models.webhooks import WebhookEvent
from accounts.webhooks.delivery import publish
from accounts.work.leases import send_on_commit
from agents.models.usage import AgentBudget, Reservation, UsageMonth, resets_at

log = structlog.get_logger(__name__)

MAIL = "agents.tasks.mail_budget_notice"
# Integers on both sides: at 80 of 100 the notice goes out.
SOFT_PERCENT = 80


def warn_early(reservation: Reservation) -> None:
    """Announce each month's row that has passed the soft limit, in the transaction."""
    rows = UsageMonth.objects.filter(
        organization=reservation.organization_id,
        month=reservation.month,
        warned_at=None,
    ).select_related("organization", "agent__budget")
    for row in rows.filter(agent=None) | rows.filter(agent=reservation.agent_id):
        reached = fullest(row)
        # By compare-and-set: of two that pass the mark together, one tells.
        if reached and UsageMonth.objects.filter(pk=row.pk, warned_at=None).update(
            warned_at=timezone.now()
        ):
            publish(row.organization, WebhookEvent.LIMIT_REACHED, facts_of(row))
            send_on_commit(MAIL, row.pk)


def caps_of_row(row: UsageMonth) -> dict[str, int]:
    holder: Any = row.organization
    if row.agent_id:
        holder = AgentBudget.objects.filter(pk=row.agent_id).first()
    if holder is None:
        return {"messages": UNLIMITED, "tokens": UNLIMITED}
    return {
        "messages": holder.max_messages_per_month,
        "tokens": holder.max_tokens_per_month,
    }


def fullest(row: UsageMonth) -> tuple[str, int, int] | None:
    """Return what, how much of it and its cap, of what passed the soft limit."""
    caps = caps_of_row(row)
    passed = [
        (name, getattr(row, name), cap)
        for name, cap in caps.items()
        if cap > 0 and getattr(row, name) * 100 >= cap * SOFT_PERCENT
    ]
    return max(passed, key=lambda each: each[1] / each[2], default=None)


def facts_of(row: UsageMonth) -> dict[str, Any]:
    """Return what a webhook is told: ids and figures."""
    name, used, cap = fullest(row) or ("messages", row.messages, UNLIMITED)
    return {
        "limit": f"monthly_{name}",
        "maximum": cap,
        "used": used,
        "percent": SOFT_PERCENT,
        "agent_public_id": str(row.agent.public_id) if row.agent else None,
        "month": f"{row.month:%Y-%m}",
    }


def mail(row_id: Any) -> int:
    """Mail every owner; a mail server that is away is logged and no more."""
    row = (
        UsageMonth.objects.filter(pk=row_id)
        .select_related("organization", "agent")
        .first()
    )
    if row is None or (reached := fullest(row)) is None:
        return 0
    name, used, cap = reached
    whose = row.agent.name if row.agent else row.organization.name
    context = {
        "whose": " ".join(whose.split()),
        "what": name,
        "used": f"{used:,}",
        "cap": f"{cap:,}",
        "percent": used * 100 // cap,
        "resets_at": resets_at(row.month),
        "link": settings.PUBLIC_BASE_URL + reverse("agents:usage"),
        "current_site": {"domain": urlsplit(settings.PUBLIC_BASE_URL).netloc},
    }
    owners = Membership.objects.filter(
        organization_id=row.organization_id,
        role=Role.OWNER,
        user__is_active=True,
        user__deleted_at=None,
    )
    # One mail each: owners need not know one another's addresses.
    return sum(
        _send(address, context)
        for address in owners.values_list("user__email", flat=True)
    )


def _send(address: str, context: dict[str, Any]) -> int:
    try:
        return send_mail(
            f"{context['whose']} has used {context['percent']} % of its "
            f"{context['what']}",
            render_to_string("agents/usage/email/budget_notice.txt", context),
            None,
            [address],
            html_message=render_to_string(
                "agents/usage/email/budget_notice.html", context
            ),
        )
    except OSError as error:
        log.warning("Notice not sent", error=type(error).__name__)
        return 0
