"""The REST door to the inbox: queues, who answers, notes, one's own preference."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import re_path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.fields import NameField, StrictSerializer, TextField
from accounts.api.viewsets import (
    IDEMPOTENCY,
    ORGANIZATION,
    CreationBody,
    OrganizationViewSet,
    idempotency_key,
)
from accounts.errors import Forbidden, Invalid, NotFound
from accounts.models.api_keys import Scope
from accounts.models.users import User
from agents.api.messages import MESSAGE_ID
from agents.api.session_serializers import HandoverShape, MessageShape
from agents.conversations import event_stream, inbox_feed
from agents.conversations.transcripts import handover_of, message_as_dict
from agents.inbox import handover, listing, notes
from agents.inbox import preferences as inbox_preferences
from agents.models.inbox import MAX_NOTE, Note, Notify
from agents.models.sessions import Channel, Session, SessionStatus

VIEW = OpenApiParameter("view", str, enum=listing.VIEWS, description="Default: waiting")
WORDS = OpenApiParameter("q", str, description="Words that were said, or a name")


class ReplyBody(CreationBody):
    content = TextField(max_length=handover.MAX_ANSWER)


class AssignBody(StrictSerializer):
    user_id = serializers.UUIDField(allow_null=True, help_text="null: nobody")


class NoteBody(CreationBody):
    text = TextField(max_length=MAX_NOTE)


class PreferenceBody(StrictSerializer):
    notify = serializers.ChoiceField(Notify.choices, required=False)
    shown_name = NameField(max_length=100, required=False, allow_blank=True)
    shown_title = NameField(max_length=100, required=False, allow_blank=True)


class PreferenceShape(serializers.Serializer):
    notify = serializers.ChoiceField(Notify.choices)
    shown_name = serializers.CharField()
    shown_title = serializers.CharField()


class AssigneeShape(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class InboxRowShape(serializers.Serializer):
    session_id = serializers.UUIDField()
    agent_id = serializers.CharField()
    agent_name = serializers.CharField()
    visitor = serializers.CharField()
    channel = serializers.ChoiceField(Channel.choices)
    status = serializers.ChoiceField(SessionStatus.choices)
    handover = HandoverShape()
    state = serializers.CharField(help_text="Why it is here, in words")
    assignee = AssigneeShape(allow_null=True)
    is_unread = serializers.BooleanField()
    is_disliked = serializers.BooleanField()
    contact_email = serializers.CharField()
    requested_at = serializers.DateTimeField(allow_null=True)
    taken_at = serializers.DateTimeField(allow_null=True)
    unanswered_at = serializers.DateTimeField(allow_null=True)
    last_said = serializers.CharField()
    last_activity_at = serializers.DateTimeField()


class InboxCountsShape(serializers.Serializer):
    waiting = serializers.IntegerField()
    unanswered = serializers.IntegerField()
    disliked = serializers.IntegerField()
    mine = serializers.IntegerField()
    hot = serializers.IntegerField(help_text="Who waits, and who wrote to you")


class NoteShape(serializers.Serializer):
    id = serializers.UUIDField()
    author = AssigneeShape(allow_null=True)
    text = serializers.CharField()
    created_at = serializers.DateTimeField()


def member_as_dict(user: User | None) -> dict[str, Any] | None:
    return {"id": user.pk, "name": str(user)} if user else None


def row_as_dict(session: Session, viewer: User) -> dict[str, Any]:
    row = listing.Row(session, viewer)
    entry = row.entry
    return {
        "session_id": session.pk,
        "agent_id": session.agent_id,
        "agent_name": session.agent_ref.name if session.agent_ref else "",
        "visitor": row.name,
        "channel": session.channel,
        "status": session.status,
        "handover": handover_of(entry),
        "state": row.state,
        "assignee": member_as_dict(entry.assignee) if entry else None,
        "is_unread": row.is_unread,
        "is_disliked": session.is_disliked,
        "contact_email": entry.contact_email if entry else "",
        "requested_at": entry and entry.requested_at,
        "taken_at": entry and entry.taken_at,
        "unanswered_at": entry and entry.unanswered_at,
        "last_said": session.last_said or "",
        "last_activity_at": session.last_activity_at,
    }


def note_as_dict(note: Note) -> dict[str, Any]:
    return {
        "id": note.pk,
        "author": member_as_dict(note.author),
        "text": note.text,
        "created_at": note.created_at,
    }


class InboxViewSet(OrganizationViewSet):
    """Conversations as a team works through them, addressed by their session's id."""

    statuses = {"add_note": 201, "delete_note": 204, "reply": 201}
    is_body_withheld = True
    admits_bound_keys = True
    actions = {
        "list": Scope.SESSIONS_READ,
        "retrieve": Scope.SESSIONS_READ,
        "counts": Scope.SESSIONS_READ,
        "notes": Scope.SESSIONS_READ,
        "stream": Scope.SESSIONS_READ,
        "preferences": Scope.SESSIONS_READ,
        "*": Scope.SESSIONS_WRITE,
    }
    queryset = Session.objects.none()
    serializer_class = InboxRowShape

    def get_serializer_class(self):
        return {
            "reply": ReplyBody,
            "assign": AssignBody,
            "add_note": NoteBody,
            "set_preferences": PreferenceBody,
        }.get(self.action, InboxRowShape)

    def perform_content_negotiation(self, request, force=False):
        force = force or self.action == "stream"
        return super().perform_content_negotiation(request, force)

    def find(self) -> Session:
        found = listing.find_conversation(self.organization, self.kwargs["pk"])
        agent = found.agent_ref
        if self.principal.bound_agent not in (None, agent and agent.public_id):
            raise NotFound
        return found

    def shown(self) -> dict[str, Any]:
        return row_as_dict(self.find(), self.principal.user)

    @extend_schema(
        parameters=[ORGANIZATION, VIEW, WORDS], responses=InboxRowShape(many=True)
    )
    def list(self, request):
        self.refuse_unknown_parameters({"view", "q"})
        view = request.query_params.get("view", listing.WAITING)
        if view not in listing.VIEWS:
            raise Invalid(f"One of {', '.join(listing.VIEWS)}.", pointer="/view")
        user = self.principal.user
        found = listing.find(
            self.organization,
            user,
            view=view,
            words=request.query_params.get("q", ""),
            only_agent=self.principal.bound_agent,
        )
        return self.list_page(found, lambda session: row_as_dict(session, user))

    @extend_schema(parameters=[ORGANIZATION], responses=InboxRowShape)
    def retrieve(self, request, pk):
        return Response(self.shown())

    @extend_schema(parameters=[ORGANIZATION], responses=InboxCountsShape)
    @action(detail=False, pagination_class=None)
    def counts(self, request):
        self.refuse_bound_keys()
        return Response(listing.counts(self.organization, self.principal.user))

    def refuse_bound_keys(self) -> None:
        """Keep a key for one agent out of what is about all of them."""
        if self.principal.bound_agent:
            raise Forbidden

    @extend_schema(parameters=[ORGANIZATION], request=None, responses=InboxRowShape)
    @action(detail=True, methods=["post"])
    def take(self, request, pk):
        handover.take(session=self.find(), actor=self.principal.user)
        return Response(self.shown())

    @extend_schema(parameters=[ORGANIZATION], request=None, responses=InboxRowShape)
    @action(detail=True, methods=["post"], url_path="hand-back")
    def hand_back(self, request, pk):
        handover.hand_back(session=self.find(), actor=self.principal.user)
        return Response(self.shown())

    @extend_schema(parameters=[ORGANIZATION], request=None, responses=InboxRowShape)
    @action(detail=True, methods=["post"])
    def close(self, request, pk):
        listing.close(session=self.find(), actor=self.principal.user)
        return Response(self.shown())

    @extend_schema(
        parameters=[ORGANIZATION], request=AssignBody, responses=InboxRowShape
    )
    @action(detail=True, methods=["post"])
    def assign(self, request, pk):
        handover.assign_by_id(
            session=self.find(),
            actor=self.principal.user,
            user_id=self.body()["user_id"],
        )
        return Response(self.shown())

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=ReplyBody,
        responses={201: MessageShape, 200: MessageShape},
    )
    @action(detail=True, methods=["post"])
    def reply(self, request, pk):
        body = self.body()
        message, created = handover.answer(
            session=self.find(),
            actor=self.principal.user,
            content=body["content"],
            idempotency_key=idempotency_key(request, body),
        )
        headers = {} if created else {"Idempotency-Replayed": "true"}
        answer = message_as_dict(message) | {"status": "done", "ratings": []}
        return Response(answer, 201 if created else 200, headers=headers)

    @extend_schema(parameters=[ORGANIZATION], responses=NoteShape(many=True))
    @action(detail=True, pagination_class=None)
    def notes(self, request, pk):
        found = self.find().notes.select_related("author")
        return Response([note_as_dict(note) for note in found])

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=NoteBody,
        responses={201: NoteShape, 200: NoteShape},
    )
    @notes.mapping.post
    def add_note(self, request, pk):
        session = self.find()
        return self.answer_once(
            self.body(),
            session.notes.select_related("author"),
            partial(notes.add_note, session=session, author=self.principal.user),
            note_as_dict,
        )

    @extend_schema(parameters=[ORGANIZATION])
    @action(
        detail=True, methods=["delete"], url_path=f"notes/(?P<note_id>{MESSAGE_ID})"
    )
    def delete_note(self, request, pk, note_id):
        """Delete a note of one's own, or as an admin any."""
        notes.delete_note(
            session=self.find(),
            note_id=note_id,
            actor=self.principal.user,
            is_admin=self.principal.may(Scope.ADMIN),
        )
        return Response(status=204)

    @extend_schema(parameters=[ORGANIZATION], responses=PreferenceShape)
    @action(detail=False, pagination_class=None)
    def preferences(self, request):
        self.refuse_bound_keys()
        mine = inbox_preferences.preference_of(self.organization, self.principal.user)
        return Response(inbox_preferences.facts_of(mine))

    @extend_schema(
        parameters=[ORGANIZATION], request=PreferenceBody, responses=PreferenceShape
    )
    @preferences.mapping.put
    def set_preferences(self, request):
        self.refuse_bound_keys()
        mine = inbox_preferences.set_preference(
            organization=self.organization,
            user=self.principal.user,
            changes=self.body(),
        )
        return Response(inbox_preferences.facts_of(mine))

    @extend_schema(
        parameters=[
            ORGANIZATION,
            OpenApiParameter("after", str, description="An event's id"),
            OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER),
        ],
        responses={(200, "text/event-stream"): str},
        filters=False,
    )
    def stream(self, request):
        """Relay `changed` for each conversation that something happened to."""
        self.refuse_bound_keys()
        after = event_stream.requested_after(request._request)
        channel = inbox_feed.channel(self.organization.pk)
        return Response(event_stream.Admission(channel, after, self.is_still_let_in))


ask_to_watch = InboxViewSet.as_view(
    {"get": "stream"}, http_method_names=["get"], pagination_class=None
)


async def stream(request: HttpRequest) -> HttpResponseBase:
    """Relay an inbox's events to whoever may read its conversations."""

    def authorize() -> event_stream.Admission | HttpResponseBase:
        answer = ask_to_watch(request)
        return answer.data if answer.status_code == 200 else answer.render()

    return await event_stream.open_stream(authorize)


# So that the view is described beside the others.
stream.cls = ask_to_watch.cls
stream.initkwargs = ask_to_watch.initkwargs
stream.actions = ask_to_watch.actions
stream.csrf_exempt = True

inbox_urlpatterns = [re_path(r"^api/v1/inbox/stream/?$", stream, name="inbox-stream")]
