"""The widget's API, for loaders and panels, and the frame they talk through."""

from typing import Any
from uuid import UUID

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import rate_limits
from accounts.api.viewsets import idempotency_key
from accounts.errors import DomainError, Invalid, NotFound
from agents.conversations import event_stream
from widget import boot, cookies, frame, sessions, stream, talk
from widget.errors import ForeignRequest, SessionExpired, WrongAgent
from widget.models import WidgetSession

LONGEST_LOCALE = 35
LONGEST_EMAIL = 254
PREFLIGHT_SECONDS = 600


def text_in(body: Any, name: str, longest: int | None = None) -> str:
    """Return a text from a JSON body, or say what is wrong with it."""
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value:
        raise Invalid("A text is required here.", pointer=f"/{name}")
    if longest is not None and len(value) > longest:
        raise Invalid(f"At most {longest} characters.", pointer=f"/{name}")
    return value


def id_in(body: Any, name: str) -> UUID:
    """Return an id from a JSON body, or say what is wrong with it."""
    try:
        return UUID(text_in(body, name, 36))
    except ValueError:
        raise Invalid("This is not an id.", pointer=f"/{name}") from None


class EventStreamRenderer(BaseRenderer):
    """Lets a client ask for server-sent events; it never renders any."""

    media_type = "text/event-stream"
    format = "txt"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return orjson.dumps(data)


class WidgetView(APIView):
    """Answers a browser that has no account; its own checks stand in the handlers."""

    authentication_classes = ()
    permission_classes = ()
    # The panel's own protocol, not part of the API we describe to others.
    schema = None
    # What visitors say goes with their conversation.
    is_body_withheld = True

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class FrameView(WidgetView):
    """Answers our own frame only: a browser tells us where a request comes from."""

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise ForeignRequest

    def visitor(self) -> WidgetSession:
        """Return the session whose token the request carries."""
        found = sessions.authenticate(bearer(self.request))
        named = self.request.query_params.get("public_id")
        if named is None and isinstance(self.request.data, dict):
            named = self.request.data.get("public_id")
        if named is not None and named != str(found.agent.public_id):
            raise WrongAgent
        return found


def bearer(request: HttpRequest) -> str:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise SessionExpired
    return token.strip()


class BootView(WidgetView):
    """A page asks to open a chat; the browser says which page it is."""

    def options(self, request):
        headers = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }
        return Response(status=204, headers=headers)

    def post(self, request):
        public_id = text_in(request.data, "public_id", 64)
        locale = request.data.get("locale") or "en"
        if not isinstance(locale, str) or len(locale) > LONGEST_LOCALE:
            raise Invalid("This is not a locale.", pointer="/locale")
        limits = boot.limits(public_id, request.client_address)
        standings = rate_limits.take(*limits)
        visit = boot.admit(public_id, request.headers.get("Origin"))
        body = {
            "boot_code": boot.issue_code(visit),
            "frame_url": frame.address(visit, locale),
            "config": boot.public_config(visit.agent),
        }
        return Response(body, headers=rate_limits.headers(standings))

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        # Any page may read its refusal; only an allowed one gets a code.
        response.headers["Vary"] = "Origin"
        if origin := request.headers.get("Origin"):
            response.headers["Access-Control-Allow-Origin"] = origin
        return response


class SessionsView(FrameView):
    def post(self, request):
        rate_limits.take(*boot.entrance_limits(request.client_address))
        visit = boot.redeem_code(text_in(request.data, "boot_code", 200))
        refresh = cookies.read(request, visit.agent)
        entered = sessions.enter(visit, refresh)
        body = granted(entered) | {
            "resumed": entered.is_resumed,
            "config": boot.public_config(visit.agent),
        }
        return cookies.keep(Response(body, status=201), visit.agent, entered.refresh)

    def delete(self, request):
        mine = self.visitor()
        sessions.close(mine)
        return cookies.forget(Response(status=204), mine.agent)


class RefreshView(FrameView):
    def post(self, request):
        if "Sec-Fetch-Site" not in request.headers:
            raise ForeignRequest
        rate_limits.take(*boot.entrance_limits(request.client_address))
        agent = boot.find_agent(text_in(request.data, "public_id", 64))
        if refresh := cookies.read(request, agent):
            entered = sessions.renew(refresh, agent)
        else:
            entered = sessions.renew_by_token(bearer(request))
        return cookies.keep(Response(granted(entered)), agent, entered.refresh)


class MessagesView(FrameView):
    def get(self, request):
        return Response(talk.history(self.visitor()))

    def post(self, request):
        mine = self.visitor()
        content = text_in(request.data, "content")
        key = idempotency_key(request, request.data)
        limits = sessions.message_limits(mine, request.client_address)
        standings = rate_limits.take(*limits)
        asked = talk.ask(mine, content, key)
        response = Response(
            asked.receipt, status=202, headers=rate_limits.headers(standings)
        )
        return cookies.keep(response, mine.agent, asked.refresh)


class DeedView(FrameView):
    """What a visitor does about an answer, so often a minute and no more."""

    limits = staticmethod(sessions.deed_limits)

    def post(self, request):
        mine = self.visitor()
        deed = self.read(request.data)
        standings = rate_limits.take(*self.limits(mine, request.client_address))
        status, body = deed(mine)
        return Response(body, status, headers=rate_limits.headers(standings))


class FeedbackView(DeedView):
    def read(self, body):
        """Return how the rating is stored. Raises Invalid."""
        message_id = id_in(body, "message_id")
        rating = body.get("rating")
        if rating is not None:
            rating = text_in(body, "rating")
        comment = text_in(body, "comment") if body.get("comment") else ""
        return lambda mine: (200, talk.rate(mine, message_id, rating, comment))


class StopView(DeedView):
    def read(self, body):
        return lambda mine: (200, talk.stop(mine))


class RegenerateView(DeedView):
    # It costs what a question costs.
    limits = staticmethod(sessions.message_limits)

    def read(self, body):
        message_id = id_in(body, "message_id")
        return lambda mine: (202, talk.regenerate(mine, message_id))


class HandoverView(FrameView):
    """Ask for a person, or say where to answer when none came."""

    statuses = {"post": 202}

    def post(self, request):
        mine = self.visitor()
        locale = request.data.get("locale") if isinstance(request.data, dict) else None
        if locale is not None:
            locale = text_in(request.data, "locale", LONGEST_LOCALE)
        limits = sessions.message_limits(mine, request.client_address)
        standings = rate_limits.take(*limits)
        asked = talk.request_person(mine, locale or "")
        response = Response(
            asked.receipt, status=202, headers=rate_limits.headers(standings)
        )
        return cookies.keep(response, mine.agent, asked.refresh)

    def put(self, request):
        mine = self.visitor()
        email = text_in(request.data, "email", LONGEST_EMAIL)
        limits = sessions.message_limits(mine, request.client_address)
        standings = rate_limits.take(*limits)
        left = talk.leave_email(mine, email)
        return Response(left, headers=rate_limits.headers(standings))


class StreamView(FrameView):
    """Ordinary synchronous code up to the first event; then nothing but a relay."""

    renderer_classes = (EventStreamRenderer,)

    def get(self, request):
        mine = self.visitor()
        if mine.session is None:
            raise NotFound
        after = event_stream.requested_after(request)
        return stream.open_stream(mine, after)


def granted(entered: sessions.Entered) -> dict[str, Any]:
    return {
        "token": entered.issued.token,
        "expires_in": entered.issued.expires_in,
        # So that a panel notices when it goes on in another session.
        "session": str(entered.widget_session.pk),
    }


@require_safe
@xframe_options_exempt
def show_frame(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the chat's page to a frame on one of the agent's sites."""
    try:
        agent = boot.find_agent(public_id)
        origin = boot.check_origin(agent, request.GET.get("origin"))
    except DomainError:
        # Unknown, off or on a foreign site: all the same from outside.
        raise Http404 from None
    visit = boot.Visit(agent, origin)
    page = frame.context(visit, request.GET.get("locale", ""))
    headers = {
        "Content-Security-Policy": frame.policy(visit),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        # A site may ask for both of whatever it frames.
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    return HttpResponse(render_to_string("widget/frame.html", page), headers=headers)


@require_safe
def show_custom_css(request: HttpRequest, public_id: str, name: str) -> HttpResponse:
    """Serve an owner's style sheet under the name that is its content's hash."""
    try:
        css = frame.custom_css(boot.find_agent(public_id))
    except DomainError:
        raise Http404 from None
    if not css or frame.fingerprint(css) != name:
        raise Http404
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return HttpResponse(css, content_type="text/css", headers=headers)
