"""The REST door to the texts members send often."""

from functools import partial
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import StrictSerializer, TextField
from accounts.api.viewsets import (
    IDEMPOTENCY,
    ORGANIZATION,
    CreationBody,
    OrganizationViewSet,
)
from accounts.models.api_keys import Scope
from agents.inbox import canned_replies
from agents.models.inbox import MAX_CANNED, CannedReply

WORDS = OpenApiParameter("q", str, description="In the shortcut or the text")


class CannedBody(CreationBody):
    shortcut = TextField(max_length=canned_replies.MAX_SHORTCUT + 1)
    text = TextField(max_length=MAX_CANNED, help_text="May hold {{visitor}}, {{agent}}")


class CannedEditBody(StrictSerializer):
    shortcut = TextField(max_length=canned_replies.MAX_SHORTCUT + 1, required=False)
    text = TextField(max_length=MAX_CANNED, required=False)


class CannedShape(serializers.Serializer):
    id = serializers.UUIDField()
    shortcut = serializers.CharField()
    text = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def canned_as_dict(reply: CannedReply) -> dict[str, Any]:
    return {name: getattr(reply, name) for name in CannedShape().fields}


class CannedReplyViewSet(OrganizationViewSet):
    """Texts of an organization, each under a shortcut."""

    actions = {
        "list": Scope.SESSIONS_READ,
        "retrieve": Scope.SESSIONS_READ,
        "*": Scope.SESSIONS_WRITE,
    }
    queryset = CannedReply.objects.none()
    serializer_class = CannedShape

    def get_serializer_class(self):
        return {"create": CannedBody, "partial_update": CannedEditBody}.get(
            self.action, CannedShape
        )

    def find(self) -> CannedReply:
        return canned_replies.find_canned_reply(self.organization, self.kwargs["pk"])

    @extend_schema(parameters=[ORGANIZATION, WORDS], responses=CannedShape(many=True))
    def list(self, request):
        self.refuse_unknown_parameters({"q"})
        words = request.query_params.get("q", "").replace("\x00", "")
        mine = CannedReply.objects.for_organization(self.organization).matching(words)
        return self.list_page(mine, canned_as_dict)

    @extend_schema(parameters=[ORGANIZATION], responses=CannedShape)
    def retrieve(self, request, pk):
        return Response(canned_as_dict(self.find()))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=CannedBody,
        responses={201: CannedShape, 200: CannedShape},
    )
    def create(self, request):
        answer = self.answer_once(
            self.body(),
            CannedReply.objects.for_organization(self.organization),
            partial(
                canned_replies.create_canned_reply,
                organization=self.organization,
                actor=self.principal.user,
            ),
            canned_as_dict,
        )
        answer["Location"] = f"/api/v1/canned-replies/{answer.data['id']}/"
        return answer

    @extend_schema(
        parameters=[ORGANIZATION], request=CannedEditBody, responses=CannedShape
    )
    def partial_update(self, request, pk):
        changed = canned_replies.update_canned_reply(
            reply=self.find(), actor=self.principal.user, changes=self.body()
        )
        return Response(canned_as_dict(changed))

    @extend_schema(parameters=[ORGANIZATION], responses={204: None})
    def destroy(self, request, pk):
        canned_replies.delete_canned_reply(reply=self.find(), actor=self.principal.user)
        return Response(status=204)
