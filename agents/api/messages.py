"""The REST door to what is said: ask, read, stop, ask anew, rate."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.viewsets import IDEMPOTENCY, ORGANIZATION, idempotency_key
from accounts.errors import Invalid
from agents.api.session_serializers import (
    AskedShape,
    MessageBody,
    RateBody,
    RatingsShape,
    StopBody,
    StoppedShape,
    TranscriptShape,
)
from agents.conversations import ratings
from agents.conversations.transcripts import rating_as_dict, receipt_of, transcript
from agents.models.replies import Reply
from agents.models.sessions import Message
from agents.replies import interruption, questions

MOST = 100
MESSAGE_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
PAGE = [
    OpenApiParameter("limit", int, description=f"1 to {MOST}; default {MOST}."),
    OpenApiParameter("before", int, description="From the page that comes after."),
]


def asked_number(request, name: str, most: int) -> int | None:
    """Read a whole number from the address. Raises Invalid."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:12]) <= most:
        raise Invalid(f"A whole number from 1 to {most:,}.", pointer=f"/{name}")
    return int(text[:12])


class MessageActions:
    """What a viewset of conversations does with their messages."""

    @extend_schema(
        parameters=[ORGANIZATION, *PAGE], responses=TranscriptShape, filters=False
    )
    @action(detail=True, pagination_class=None)
    def messages(self, request, pk):
        """Return the latest messages, oldest first, or those before a number."""
        page = {
            "limit": min(asked_number(request, "limit", 2**31 - 1) or MOST, MOST),
            "before": asked_number(request, "before", 2**31 - 1),
        }
        return Response(transcript(self.find(), **page))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=MessageBody,
        responses={202: AskedShape, 200: AskedShape},
    )
    @messages.mapping.post
    def ask(self, request, pk):
        body = self.body()
        return self.accepted(
            *questions.ask(
                session=self.find(),
                content=body["content"],
                idempotency_key=idempotency_key(request, body),
            )
        )

    def accepted(
        self, message: Message, reply: Reply | None, created: bool
    ) -> Response:
        headers = {} if created else {"Idempotency-Replayed": "true"}
        body = receipt_of(message, reply)
        return Response(body, 202 if created else 200, headers=headers)

    @extend_schema(parameters=[ORGANIZATION], request=StopBody, responses=StoppedShape)
    @action(detail=True, methods=["post"])
    def stop(self, request, pk):
        """End answers under way; what was said so far stays."""
        stopped = interruption.stop(
            session=self.find(), message_id=self.body().get("message_id")
        )
        return Response({"stopped": [reply.question_id for reply in stopped]})

    @extend_schema(
        parameters=[ORGANIZATION],
        request=None,
        responses={202: AskedShape, 200: AskedShape},
    )
    @action(
        detail=True,
        methods=["post"],
        url_path=f"messages/(?P<message_id>{MESSAGE_ID})/regenerate",
    )
    def regenerate(self, request, pk, message_id):
        """Have the last question answered anew, named by itself or its answer."""
        return self.accepted(
            *interruption.regenerate(session=self.find(), message_id=message_id)
        )

    @extend_schema(parameters=[ORGANIZATION], request=RateBody, responses=RatingsShape)
    @action(
        detail=True,
        methods=["put"],
        url_path=f"messages/(?P<message_id>{MESSAGE_ID})/rating",
    )
    def rate(self, request, pk, message_id):
        """Rate an answer, change the rating or take it back."""
        session, body = self.find(), self.body()
        if body.get("as_visitor") and not session.visitor_id:
            raise Invalid("No visitor speaks here.", pointer="/as_visitor")
        user = None if body.get("as_visitor") else self.principal.user
        rated = ratings.set_rating(
            session=session,
            message_id=message_id,
            value=body["rating"],
            comment=body.get("comment", ""),
            user=user,
        )
        return Response({"ratings": [rating_as_dict(each) for each in rated]})
