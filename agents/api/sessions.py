"""The REST door to conversations: start, find, read, listen, end, file, export."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import re_path
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.viewsets import (
    IDEMPOTENCY,
    ORGANIZATION,
    OrganizationViewSet,
    idempotency_key,
)
from accounts.errors import Invalid, NotFound
from accounts.models.api_keys import Scope
from agents.api.filters import SessionFilter
from agents.api.messages import MESSAGE_ID, MessageActions
from agents.api.session_serializers import (
    COLUMNS,
    CancelBody,
    ExpireBody,
    ExportedSessionShape,
    FailBody,
    MessageBody,
    RateBody,
    SessionBody,
    SessionShape,
    SessionSummary,
    StopBody,
    TagBody,
    TagShape,
    session_as_dict,
    session_summary,
)
from agents.conversations import event_stream, opening, tags
from agents.conversations.export import as_csv, as_json, json_response
from agents.conversations.listing import with_feedback
from agents.conversations.search import matches
from agents.inbox import closing
from agents.models.agents import Agent
from agents.models.feedback import Tag
from agents.models.sessions import Channel, Session, SessionStatus
from metrics.api_ledger import WhateverAccepted, csv_response

BODIES = {
    "create": SessionBody,
    "ask": MessageBody,
    "stop": StopBody,
    "rate": RateBody,
    "fail": FailBody,
    "cancel": CancelBody,
    "expire": ExpireBody,
    "add_tag": TagBody,
}
FILE = {(200, "text/csv"): OpenApiTypes.STR}


def tag_as_dict(tag: Tag) -> dict[str, Any]:
    return {"id": tag.pk, "name": tag.name}


@extend_schema_view(
    list=extend_schema(parameters=[ORGANIZATION], responses=SessionSummary(many=True)),
)
class SessionViewSet(MessageActions, OrganizationViewSet):
    """Conversations with the organization's agents."""

    statuses = {"add_tag": 201, "remove_tag": 204, "ask": 202, "regenerate": 202}
    is_body_withheld = True
    admits_bound_keys = True
    actions = {
        "list": Scope.SESSIONS_READ,
        "retrieve": Scope.SESSIONS_READ,
        "messages": Scope.SESSIONS_READ,
        "stream": Scope.SESSIONS_READ,
        "export_csv": Scope.SESSIONS_READ,
        "export_json": Scope.SESSIONS_READ,
        "create": Scope.CHAT,
        "ask": Scope.CHAT,
        "stop": Scope.CHAT,
        "regenerate": Scope.CHAT,
        "rate": Scope.CHAT,
        "*": Scope.SESSIONS_WRITE,
    }
    queryset = Session.objects.none()
    serializer_class = SessionShape
    filter_backends = [DjangoFilterBackend]
    filterset_class = SessionFilter

    def get_queryset(self):
        sessions = Session.objects.for_organization(self.organization)
        if bound := self.principal.bound_agent:
            sessions = sessions.filter(agent_ref__public_id=bound)
        return sessions

    def get_serializer_class(self):
        return BODIES.get(self.action, SessionShape)

    def perform_content_negotiation(self, request, force=False):
        # Who listens may accept nothing but events; a refusal is a problem anyway.
        force = force or self.action == "stream"
        return super().perform_content_negotiation(request, force)

    def find(self) -> Session:
        mine = self.get_queryset().select_related("inbox_entry").order_by()
        session = mine.filter(pk=self.kwargs["pk"]).first()
        if session is None:
            raise NotFound
        return session

    def find_agent(self, public_id: Any) -> Agent:
        mine = Agent.objects.for_organization(self.organization)
        agent = mine.filter(public_id=public_id).order_by().first()
        if agent is None or self.principal.bound_agent not in (None, agent.public_id):
            raise Invalid("There is no such agent.", pointer="/agent")
        return agent

    def cursor_of(self, row):
        return row[COLUMNS.index("created_at")], row[COLUMNS.index("id")]

    def list(self, request):
        sessions = with_feedback(self.filter_queryset(self.get_queryset()))
        rows = self.paginator.paginate_queryset(
            sessions.latest_first().values_list(*COLUMNS), request, self
        )
        words = request.query_params.get("search", "")
        found = matches([row[0] for row in rows], words)
        return self.paginator.page_of(
            rows, [session_summary(row, found.get(row[0])) for row in rows]
        )

    @extend_schema(parameters=[ORGANIZATION], responses=SessionShape)
    def retrieve(self, request, pk):
        return Response(session_as_dict(self.find()))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=SessionBody,
        responses={201: SessionShape, 200: SessionShape},
    )
    def create(self, request):
        body = self.body()
        visitor_id = body.get("visitor_id", "")
        session, created = opening.start_session(
            agent=self.find_agent(body["agent"]),
            user=None if visitor_id else self.principal.user,
            visitor_id=visitor_id,
            channel=Channel.API if self.principal.api_key else Channel.DASHBOARD,
            title=body.get("title", ""),
            idempotency_key=idempotency_key(request, body),
        )
        headers = {"Location": f"/api/v1/sessions/{session.pk}/"}
        if not created:
            headers["Idempotency-Replayed"] = "true"
        return Response(
            session_as_dict(session), 201 if created else 200, headers=headers
        )

    @extend_schema(parameters=[ORGANIZATION])
    def destroy(self, request, pk):
        """Delete a conversation; nobody reads it any more."""
        closing.delete_session(session=self.find(), actor=self.principal.user)
        return Response(status=204)

    # --- Ending -------------------------------------------------------------
    def end(self, status: SessionStatus, reason: str = "") -> Response:
        session = closing.end_session(
            session=self.find(),
            status=status,
            actor=self.principal.user,
            reason=reason,
        )
        return Response(session_as_dict(session))

    @extend_schema(parameters=[ORGANIZATION], request=None, responses=SessionShape)
    @action(detail=True, methods=["post"])
    def complete(self, request, pk):
        return self.end(SessionStatus.COMPLETED)

    @extend_schema(parameters=[ORGANIZATION], request=FailBody, responses=SessionShape)
    @action(detail=True, methods=["post"])
    def fail(self, request, pk):
        return self.end(SessionStatus.FAILED, self.body()["error"])

    @extend_schema(
        parameters=[ORGANIZATION], request=CancelBody, responses=SessionShape
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk):
        return self.end(SessionStatus.CANCELLED, self.body().get("reason", ""))

    @extend_schema(
        parameters=[ORGANIZATION], request=ExpireBody, responses=SessionShape
    )
    @action(detail=True, methods=["post"])
    def expire(self, request, pk):
        """Let a conversation end at a moment; the past is now."""
        session = closing.expire_session(
            session=self.find(),
            actor=self.principal.user,
            at=self.body().get("expires_at"),
        )
        return Response(session_as_dict(session))

    # --- Tags ---------------------------------------------------------------
    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=TagBody,
        responses={201: TagShape, 200: TagShape},
    )
    @action(detail=True, methods=["post"], url_path="tags")
    def add_tag(self, request, pk):
        """File a conversation under a name, made if need be."""
        return self.answer_once(
            self.body(),
            Tag.objects.for_organization(self.organization),
            partial(tags.add_tag, session=self.find(), actor=self.principal.user),
            tag_as_dict,
        )

    @extend_schema(parameters=[ORGANIZATION])
    @action(detail=True, methods=["delete"], url_path=f"tags/(?P<tag_id>{MESSAGE_ID})")
    def remove_tag(self, request, pk, tag_id):
        removed = tags.remove_tag(
            session=self.find(), tag_id=tag_id, actor=self.principal.user
        )
        if not removed:
            raise NotFound
        return Response(status=204)

    # --- Files --------------------------------------------------------------
    @extend_schema(parameters=[ORGANIZATION], responses=FILE, filters=True)
    @action(
        detail=False,
        url_path=r"export\.csv",
        pagination_class=None,
        content_negotiation_class=WhateverAccepted,
    )
    def export_csv(self, request):
        """Return every message of the conversations asked for, a line each."""
        found = self.filter_queryset(self.get_queryset())
        return csv_response(as_csv(found), "conversations.csv")

    @extend_schema(
        parameters=[ORGANIZATION],
        responses=ExportedSessionShape(many=True),
        filters=True,
    )
    @action(detail=False, url_path=r"export\.json", pagination_class=None)
    def export_json(self, request):
        """Return the conversations asked for with all that was said."""
        found = self.filter_queryset(self.get_queryset())
        return json_response(as_json(found), "conversations.json")

    @extend_schema(
        parameters=[
            ORGANIZATION,
            OpenApiParameter("after", str, description="`events_after` of a message"),
            OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER),
        ],
        responses={(200, "text/event-stream"): str},
        filters=False,
    )
    def stream(self, request, pk):
        """Relay start, token, done and failed as server-sent events."""
        after = event_stream.requested_after(request._request)
        listened_to = self.find().pk

        def may_go_on() -> bool:
            is_there = self.get_queryset().filter(pk=listened_to).exists
            return self.is_still_let_in() and is_there()

        return Response(event_stream.Admission(listened_to, after, may_go_on))


class TagViewSet(OrganizationViewSet):
    """The names conversations are filed under."""

    actions = {"list": Scope.SESSIONS_READ, "*": Scope.SESSIONS_WRITE}
    queryset = Tag.objects.none()
    serializer_class = TagShape

    @extend_schema(parameters=[ORGANIZATION], responses=TagShape(many=True))
    def list(self, request):
        mine = Tag.objects.for_organization(self.organization).order_by(
            "-created_at", "-pk"
        )
        return self.list_page(self.filter_queryset(mine), tag_as_dict)

    @extend_schema(parameters=[ORGANIZATION])
    def destroy(self, request, pk):
        """Give up a name; the conversations stay."""
        deleted = tags.delete_tag(
            organization=self.organization, tag_id=pk, actor=self.principal.user
        )
        if not deleted:
            raise NotFound
        return Response(status=204)


ask_to_listen = SessionViewSet.as_view(
    {"get": "stream"}, http_method_names=["get"], pagination_class=None
)


async def stream(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Relay a session's events to whoever may read the session."""

    def authorize() -> event_stream.Admission | HttpResponseBase:
        answer = ask_to_listen(request, pk=pk)
        return answer.data if answer.status_code == 200 else answer.render()

    return await event_stream.open_stream(authorize)


# So that the view is described beside the others.
stream.cls = ask_to_listen.cls
stream.initkwargs = ask_to_listen.initkwargs
stream.actions = ask_to_listen.actions
stream.csrf_exempt = True

stream_urlpatterns = [
    re_path(
        rf"^api/v1/sessions/(?P<pk>{SessionViewSet.lookup_value_regex})/stream/?$",
        stream,
        name="session-stream",
    )
]
