"""What a visitor says and hears, through the same replies as everyone else."""

from typing import Any, NamedTuple

from django.db import transaction

from agents.models.sessions import Channel, Session
from widget import sessions
from widget.models import WidgetSession

LONGEST = 4000


class Asked(NamedTuple):
    receipt: dict[str, Any]
    refresh: str


def ask(widget_session: WidgetSession, content: str, key: str | None) -> Asked:
    from agents import replies

    raise NotImplementedError(replies)
