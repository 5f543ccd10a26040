"""The REST door to conversations: start, ask, read, listen, end."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import re_path
from django_filters import CharFilter, ChoiceFilter, UUIDFilter
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.doors import (
    MomentFilter,
    NameField,
    OrganizationViewSet,
    StrictFilterSet,
    StrictSerializer,
    TextField,
    idempotency_key,
)
from accounts.errors import Invalid, NotFound
from accounts.models.api_keys import Scope
from accounts.models.lifecycle import WorkStatus
from agents import replies, streams
from agents.models.agents import Agent
from agents.models.feedback import RatingValue
from agents.models.sessions import Channel, MessageRole, Session, SessionStatus
from agents.transcripts import transcript
from agents.viewsets import IDEMPOTENCY, ORGANIZATION


class SessionBody(StrictSerializer):
    agent = serializers.UUIDField(help_text="The agent's public id")
    visitor_id = NameField(
        max_length=255, required=False, help_text="Whom you speak for; default: you"
    )
    title = NameField(max_length=500, required=False, allow_blank=True)
    idempotency_key = TextField(max_length=255, required=False, allow_null=True)


class MessageBody(StrictSerializer):
    content = TextField(max_length=replies.MAX_QUESTION)
    idempotency_key = TextField(max_length=255, required=False, allow_null=True)


class CancelBody(StrictSerializer):
    reason = NameField(max_length=500, required=False, allow_blank=True)


class CitationShape(serializers.Serializer):
    number = serializers.IntegerField()
    document_id = serializers.UUIDField()
    title = serializers.CharField()
    url = serializers.CharField()
    passage = serializers.CharField()


class RatingShape(serializers.Serializer):
    rating = serializers.ChoiceField(RatingValue.choices)
    comment = serializers.CharField()
    user_id = serializers.UUIDField(
        allow_null=True, help_text="null: the visitor's own"
    )
    updated_at = serializers.DateTimeField()


class MessageShape(serializers.Serializer):
    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    role = serializers.ChoiceField(MessageRole.choices)
    content = serializers.CharField()
    citations = CitationShape(many=True)
    created_at = serializers.DateTimeField()
    status = serializers.ChoiceField(
        WorkStatus.choices, help_text="Of a question: how far its answer is"
    )
    stopped = serializers.BooleanField(help_text="Cut short by a reader")
    superseded = serializers.BooleanField(help_text="Another answer stands instead")
    ratings = RatingShape(many=True)


class TranscriptShape(serializers.Serializer):
    messages = MessageShape(many=True)
    events_after = serializers.CharField()


class AskedShape(serializers.Serializer):
    message_id = serializers.UUIDField()
    reply_id = serializers.UUIDField()
    events_after = serializers.CharField()


class SessionSummary(serializers.Serializer):
    id = serializers.UUIDField()
    agent_id = serializers.CharField()
    user_id = serializers.UUIDField(allow_null=True)
    visitor_id = serializers.CharField()
    channel = serializers.ChoiceField(Channel.choices)
    title = serializers.CharField()
    status = serializers.ChoiceField(SessionStatus.choices)
    total_messages = serializers.IntegerField()
    total_tokens = serializers.IntegerField(allow_null=True)
    last_activity_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class SessionShape(SessionSummary):
    context = serializers.DictField()
    metadata = serializers.DictField()
    messages = MessageShape(many=True)
    events_after = serializers.CharField()


SUMMARY = tuple(SessionSummary().fields)


def session_summary(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(SUMMARY, row, strict=True))


def session_as_dict(session: Session) -> dict[str, Any]:
    summary = {name: getattr(session, name) for name in SUMMARY}
    details = {"context": session.context, "metadata": session.metadata}
    return summary | details | transcript(session)


class SessionFilter(StrictFilterSet):
    agent = UUIDFilter(field_name="agent_ref__public_id")
    status = ChoiceFilter(choices=SessionStatus.choices)
    channel = ChoiceFilter(choices=Channel.choices)
    visitor_id = CharFilter()
    active_after = MomentFilter(field_name="last_activity_at", lookup_expr="gte")
    active_before = MomentFilter(field_name="last_activity_at", lookup_expr="lt")

    class Meta:
        model = Session
        fields = ()


@extend_schema_view(
    list=extend_schema(parameters=[ORGANIZATION], responses=SessionSummary(many=True)),
)
class SessionViewSet(OrganizationViewSet):
    """Conversations with the organization's agents."""

    admits_bound_keys = True
    actions = {
        "list": Scope.SESSIONS_READ,
        "retrieve": Scope.SESSIONS_READ,
        "messages": Scope.SESSIONS_READ,
        "stream": Scope.SESSIONS_READ,
        "create": Scope.CHAT,
        "ask": Scope.CHAT,
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
        return {
            "create": SessionBody,
            "ask": MessageBody,
            "cancel": CancelBody,
        }.get(self.action, SessionShape)

    def perform_content_negotiation(self, request, force=False):
        # Who listens may accept nothing but events; a refusal is a problem anyway.
        force = force or self.action == "stream"
        return super().perform_content_negotiation(request, force)

    def find(self) -> Session:
        session = self.get_queryset().filter(pk=self.kwargs["pk"]).order_by().first()
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
        return row[SUMMARY.index("created_at")], row[SUMMARY.index("id")]

    def list(self, request):
        sessions = self.filter_queryset(self.get_queryset()).latest_first()
        return self.list_page(sessions.values_list(*SUMMARY), session_summary)

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
        session, created = replies.start_session(
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

    @extend_schema(parameters=[ORGANIZATION], responses=TranscriptShape, filters=False)
    @action(detail=True, pagination_class=None)
    def messages(self, request, pk):
        return Response(transcript(self.find()))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=MessageBody,
        responses={202: AskedShape, 200: AskedShape},
    )
    @messages.mapping.post
    def ask(self, request, pk):
        body = self.body()
        message, reply, created = replies.ask(
            session=self.find(),
            content=body["content"],
            idempotency_key=idempotency_key(request, body),
        )
        answer = {
            "message_id": message.pk,
            "reply_id": reply.pk,
            "events_after": reply.events_after,
        }
        headers = {} if created else {"Idempotency-Replayed": "true"}
        return Response(answer, 202 if created else 200, headers=headers)

    @extend_schema(parameters=[ORGANIZATION], request=None, responses=SessionShape)
    @action(detail=True, methods=["post"])
    def complete(self, request, pk):
        session = replies.end_session(
            session=self.find(),
            status=SessionStatus.COMPLETED,
            actor=self.principal.user,
        )
        return Response(session_as_dict(session))

    @extend_schema(
        parameters=[ORGANIZATION], request=CancelBody, responses=SessionShape
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk):
        session = replies.end_session(
            session=self.find(),
            status=SessionStatus.CANCELLED,
            actor=self.principal.user,
            reason=self.body().get("reason", ""),
        )
        return Response(session_as_dict(session))

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
        after = streams.requested_after(request._request)
        return Response({"session_id": self.find().pk, "after": after})


ask_to_listen = SessionViewSet.as_view(
    {"get": "stream"}, http_method_names=["get"], pagination_class=None
)


async def stream(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Relay a session's events to whoever may read the session."""

    def authorize() -> tuple[Any, str] | HttpResponseBase:
        answer = ask_to_listen(request, pk=pk)
        if answer.status_code != 200:
            return answer.render()
        return answer.data["session_id"], answer.data["after"]

    return await streams.open_stream(authorize)


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
