"""Tell whoever has an organization's inbox open that a conversation changed."""

from typing import Any

from django.db import transaction

from agents.conversations import event_stream
from agents.models.sessions import Session


def channel(organization_id: int) -> str:
    """Name the stream of events of an organization's inbox."""
    return f"inbox-{organization_id}"


def tell(session: Session) -> None:
    """Say so once the transaction commits; what changed is read from the rows."""
    transaction.on_commit(
        lambda: tell_now(session.organization_id, session.pk), robust=True
    )


def tell_now(organization_id: int | None, session_id: Any) -> None:
    if organization_id is not None:
        event_stream.append(
            channel(organization_id), "changed", {"session_id": session_id}
        )
