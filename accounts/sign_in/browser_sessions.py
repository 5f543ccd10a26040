"""Where somebody is signed in: noted, shown, and ended."""

import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.audit import log as audit
from accounts.errors import NotFound
from accounts.models.audit import AuditAction
from accounts.models.browser_sessions import BrowserSession, BrowserSessionQuerySet
from accounts.models.users import User

# How exact "last seen" is. Each process remembers for itself whom it has noted, so
# that most requests cost nothing.
SECONDS_BETWEEN_NOTES = 60
MOST_REMEMBERED = 10_000


class _Noted:
    """When this process last noted each session, the oldest forgotten first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.times: OrderedDict[str, float] = OrderedDict()

    def is_due(self, what: str) -> bool:
        """Say whether it is time to note something again, and take it for noted."""
        now = time.monotonic()
        with self.lock:
            before = self.times.get(what)
            if before is not None and now - before < SECONDS_BETWEEN_NOTES:
                return False
            self.times[what] = now
            self.times.move_to_end(what)
            if len(self.times) > MOST_REMEMBERED:
                self.times.popitem(last=False)
            return True


_noted = _Noted()


def remember(request: HttpRequest, user: User) -> None:
    """Note a session that has just been opened, or opened anew."""
    if request.session.session_key is None:
        # Somebody else was signed in here before: their session was flushed.
        request.session.save()
    key = request.session.session_key
    _noted.is_due(key)
    # Who signs in again where they are signed in keeps their session.
    BrowserSession.objects.update_or_create(
        session_id=key, defaults=_facts(request, user)
    )


def note(request: HttpRequest, user: User) -> None:
    """Keep when and from where a signed-in browser was last seen."""
    key = request.session.session_key
    if key is None or not _noted.is_due(key):
        return
    facts = _facts(request, user)
    if BrowserSession.objects.filter(session_id=key).update(**facts):
        return
    try:
        with transaction.atomic():
            # Under the session's lock: it may be ended at this moment.
            if Session.objects.select_for_update().filter(pk=key).exists():
                BrowserSession.objects.create(session_id=key, **facts)
    except IntegrityError:
        # Another request of the same browser was faster.
        pass


def _facts(request: HttpRequest, user: User) -> dict[str, Any]:
    return {
        "user": user,
        "stamp": user.session_stamp(),
        "ip_address": getattr(request, "client_address", "")[:45],
        "user_agent": request.META.get("HTTP_USER_AGENT", "")[:500],
        "last_seen_at": timezone.now(),
    }


class PresenceMiddleware:
    """Note signed-in browsers, once a view has looked at who it was."""

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponse | Awaitable]
    ) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest):
        if iscoroutinefunction(self):
            # A stream: the page it belongs to was noted.
            return self.get_response(request)
        response = self.get_response(request)
        # Not `request.user`, which would ask the database for nobody's sake.
        user = getattr(request, "_cached_user", None)
        if user is not None and user.is_authenticated:
            note(request, user)
        return response


@transaction.atomic
def end_session(*, user: User, session_id: UUID) -> str:
    """Sign a person out in one browser, from its next request on; return its key.

    Raises NotFound.
    """
    ended = _end(user, BrowserSession.objects.open_for(user).filter(pk=session_id))
    if not ended:
        raise NotFound
    return ended[0]


@transaction.atomic
def end_other_sessions(*, user: User, current_key: str) -> int:
    """Sign a person out everywhere but here; return how many browsers that were."""
    others = BrowserSession.objects.open_for(user).exclude(session_id=current_key)
    return len(_end(user, others))


def _end(user: User, found: BrowserSessionQuerySet) -> list[str]:
    keys = list(found.values_list("session_id", flat=True))
    if keys:
        Session.objects.filter(pk__in=keys).delete()
        audit.record(
            action=AuditAction.LOGOUT,
            resource_type="user",
            resource_id=user.pk,
            actor=user,
            metadata={"sessions": len(keys)},
        )
    return keys


def forget_browser(request: HttpRequest) -> None:
    """Let go of this browser's session, whose end is recorded already."""
    request.session.flush()
    request.user = AnonymousUser()


def forget_expired_sessions() -> int:
    """Delete sessions that have run out; return how many rows went with them."""
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]
