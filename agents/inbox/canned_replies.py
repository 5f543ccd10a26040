"""Texts that are sent often: kept once, filled in for each conversation."""

import re
from typing import Any

from django.db import IntegrityError, transaction

from accounts.audit import log as audit
from accounts.errors import Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.models.inbox import MAX_CANNED, CannedReply
from agents.models.sessions import Session

MAX_SHORTCUT = 40
SHORTCUT = re.compile(r"[\w-]{1,40}")
# The only two there are: a text is filled in, never run.
VARIABLE = re.compile(r"(?P<space> ?)\{\{ ?(?P<name>visitor|agent) ?\}\}")


def fill(text: str, session: Session) -> str:
    """Put the names of a conversation into a text.

    A visitor without a name leaves no gap: "Hello {{visitor}}," is "Hello,".
    """
    names = {
        "visitor": session.user.name if session.user else "",
        "agent": session.agent_ref.name if session.agent_ref else "",
    }

    def name_of(found: re.Match) -> str:
        name = names[found["name"]]
        return found["space"] + name if name else ""

    return VARIABLE.sub(name_of, text)


def find_canned_reply(organization: Organization, reply_id: Any) -> CannedReply:
    """Return one of an organization's texts. Raises NotFound."""
    mine = CannedReply.objects.for_organization(organization)
    if found := mine.filter(pk=reply_id).first():
        return found
    raise NotFound


@transaction.atomic
def create_canned_reply(
    *, organization: Organization, actor: User | None, shortcut: str, text: str
) -> CannedReply:
    """Keep a text under a shortcut of its own. Raises Invalid."""
    reply = CannedReply(organization=organization, created_by_user=actor)
    before = _facts(reply)
    _write(reply, {"shortcut": shortcut, "text": text})
    _record(AuditAction.CREATE, reply, actor, before)
    return reply


@transaction.atomic
def update_canned_reply(
    *, reply: CannedReply, actor: User, changes: dict[str, str]
) -> CannedReply:
    """Change a text or its shortcut. Raises Invalid."""
    before = _facts(reply)
    _write(reply, changes)
    if before != _facts(reply):
        _record(AuditAction.UPDATE, reply, actor, before)
    return reply


@transaction.atomic
def delete_canned_reply(*, reply: CannedReply, actor: User) -> None:
    """Delete a text; what was sent with it stays as it was said."""
    _record(AuditAction.DELETE, reply, actor, _facts(reply))
    reply.delete()


def _write(reply: CannedReply, changes: dict[str, str]) -> None:
    for name, value in changes.items():
        setattr(reply, name, value.strip())
    reply.shortcut = reply.shortcut.removeprefix("/")
    if not SHORTCUT.fullmatch(reply.shortcut):
        raise Invalid(
            f"1 to {MAX_SHORTCUT} letters, digits, - or _.", pointer="/shortcut"
        )
    if not 1 <= len(reply.text) <= MAX_CANNED:
        raise Invalid(f"1 to {MAX_CANNED:,} characters.", pointer="/text")
    try:
        with transaction.atomic():
            reply.save()
    except IntegrityError:
        raise Invalid("Another reply has this shortcut.", pointer="/shortcut") from None


def _facts(reply: CannedReply) -> dict[str, Any]:
    return {"shortcut": reply.shortcut, "text": reply.text}


def _record(
    action: AuditAction,
    reply: CannedReply,
    actor: User | None,
    before: dict[str, Any],
) -> None:
    after = {} if action == AuditAction.DELETE else _facts(reply)
    audit.record(
        action=action,
        resource_type="canned_reply",
        resource_id=reply.pk,
        organization_id=reply.organization_id,
        actor=actor,
        changes=audit.difference(before, after),
    )
