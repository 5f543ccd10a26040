"""The shapes of conversations: what a request may say, what an answer looks like."""

from typing import Any

from rest_framework import serializers

from accounts.api.fields import NameField, StrictSerializer, TextField
from accounts.api.viewsets import CreationBody
from accounts.models.lifecycle import WorkStatus
from agents.conversations import ratings
from agents.conversations import tags as tagging
from agents.conversations.search import Match
from agents.conversations.transcripts import transcript
from agents.models.feedback import RatingValue
from agents.models.inbox import Holder
from agents.models.sessions import Channel, MessageRole, Session, SessionStatus
from agents.replies import questions


# --- Bodies -----------------------------------------------------------------
class SessionBody(CreationBody):
    agent = serializers.UUIDField(help_text="The agent's public id")
    visitor_id = NameField(
        max_length=255, required=False, help_text="Whom you speak for; default: you"
    )
    title = NameField(max_length=500, required=False, allow_blank=True)


class MessageBody(CreationBody):
    content = TextField(max_length=questions.MAX_QUESTION)


class CancelBody(StrictSerializer):
    reason = NameField(max_length=500, required=False, allow_blank=True)


class FailBody(StrictSerializer):
    error = NameField(max_length=500)


class ExpireBody(StrictSerializer):
    expires_at = serializers.DateTimeField(
        required=False, help_text="A moment to come; without it: now"
    )


class StopBody(StrictSerializer):
    message_id = serializers.UUIDField(
        required=False, help_text="The question; without it: every answer under way"
    )


class RateBody(StrictSerializer):
    rating = serializers.ChoiceField(
        RatingValue.choices, allow_null=True, help_text="null takes a rating back"
    )
    comment = TextField(
        max_length=ratings.MAX_COMMENT, required=False, allow_blank=True
    )
    as_visitor = serializers.BooleanField(
        required=False, help_text="Speak for the conversation's visitor, not for you"
    )


class TagBody(CreationBody):
    name = NameField(max_length=tagging.MAX_NAME)


# --- Shapes -----------------------------------------------------------------
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


class RatingsShape(serializers.Serializer):
    ratings = RatingShape(many=True)


class PersonShape(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()


class HandoverShape(serializers.Serializer):
    holder = serializers.ChoiceField(Holder.choices)
    person = PersonShape(allow_null=True)
    is_late = serializers.BooleanField()
    has_email = serializers.BooleanField()
    is_over = serializers.BooleanField()


class MessageShape(serializers.Serializer):
    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    role = serializers.ChoiceField(MessageRole.choices)
    content = serializers.CharField()
    citations = CitationShape(many=True)
    created_at = serializers.DateTimeField()
    person = PersonShape(allow_null=True, help_text="Who said it, if not the agent")
    event = serializers.CharField(
        allow_null=True, help_text="waiting, taken, late or returned"
    )
    offers_person = serializers.BooleanField()
    status = serializers.ChoiceField(
        WorkStatus.choices, help_text="Of a question: how far its answer is"
    )
    stopped = serializers.BooleanField(help_text="Cut short by a reader")
    superseded = serializers.BooleanField(help_text="Another answer stands instead")
    ratings = RatingShape(many=True)


class TranscriptShape(serializers.Serializer):
    messages = MessageShape(many=True)
    events_after = serializers.CharField()
    handover = HandoverShape()
    before = serializers.IntegerField(
        allow_null=True, help_text="Asks for the page of messages before these"
    )


class AskedShape(serializers.Serializer):
    message_id = serializers.UUIDField()
    reply_id = serializers.UUIDField(
        allow_null=True, help_text="None where a person answers"
    )
    events_after = serializers.CharField()


class StoppedShape(serializers.Serializer):
    stopped = serializers.ListField(
        child=serializers.UUIDField(), help_text="The questions whose answers ended"
    )


class TagShape(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class CountsShape(serializers.Serializer):
    up = serializers.IntegerField()
    down = serializers.IntegerField()


class PartShape(serializers.Serializer):
    text = serializers.CharField()
    found = serializers.BooleanField()


class MatchShape(serializers.Serializer):
    message_id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    parts = PartShape(many=True, help_text="A piece of the message, what fits marked")


class SessionFacts(serializers.Serializer):
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


class SessionSummary(SessionFacts):
    tags = serializers.ListField(child=serializers.CharField())
    ratings = CountsShape()
    match = MatchShape(allow_null=True, help_text="Of a search: what fits it best")


class SessionShape(SessionFacts):
    context = serializers.DictField()
    metadata = serializers.DictField()
    tags = TagShape(many=True)
    messages = MessageShape(many=True)
    events_after = serializers.CharField()
    handover = HandoverShape()


class ExportedMessageShape(MessageShape):
    status = None
    tokens = serializers.IntegerField(allow_null=True)


class ExportedSessionShape(SessionFacts):
    """A conversation in a file of many."""

    expires_at = None
    updated_at = None
    tags = serializers.ListField(child=serializers.CharField())
    messages = ExportedMessageShape(many=True)


FACTS = tuple(SessionFacts().fields)
# What a list reads of each row; the last three come from `with_feedback`.
COLUMNS = (*FACTS, "tag_names", "ratings_up", "ratings_down")


def session_summary(row: tuple[Any, ...], match: Match | None) -> dict[str, Any]:
    *facts, tags, up, down = row
    return dict(zip(FACTS, facts, strict=True)) | {
        "tags": tags,
        "ratings": {"up": up, "down": down},
        "match": match and match.as_dict(),
    }


def session_as_dict(session: Session) -> dict[str, Any]:
    told = transcript(session)
    return {
        **{name: getattr(session, name) for name in FACTS},
        "context": session.context,
        "metadata": session.metadata,
        "tags": list(session.tags.values("id", "name")),
        "messages": told["messages"],
        "events_after": told["events_after"],
        "handover": told["handover"],
    }
