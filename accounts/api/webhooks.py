"""The REST door to webhooks, their deliveries and what came back."""

import json
from functools import partial

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
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
from accounts.errors import NotFound
from accounts.models.lifecycle import WorkStatus, request_fingerprint
from accounts.models.webhooks import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from accounts.webhooks import endpoints

UUID_PATTERN = OrganizationViewSet.lookup_value_regex
DELIVERY = OpenApiParameter(
    "delivery_id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH
)


class WebhookChanges(StrictSerializer):
    url = TextField(max_length=2048)
    events = serializers.ListField(
        child=serializers.ChoiceField(WebhookEvent.choices), min_length=1, max_length=50
    )
    description = NameField(max_length=200, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)


class WebhookBody(WebhookChanges, CreationBody):
    pass


class WebhookShape(serializers.Serializer):
    id = serializers.UUIDField()
    url = serializers.CharField()
    description = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(WebhookEvent.choices))
    is_active = serializers.BooleanField()
    disabled_reason = serializers.CharField()
    previous_secret_expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class NewWebhookShape(WebhookShape):
    secret = serializers.CharField(
        required=False, help_text="The signing secret; in the first answer only."
    )


class SecretRotationBody(StrictSerializer):
    overlap_seconds = serializers.IntegerField(
        min_value=0, max_value=604_800, default=endpoints.OVERLAP_SECONDS
    )


class DeliveryShape(serializers.Serializer):
    id = serializers.UUIDField()
    message_id = serializers.CharField()
    event = serializers.CharField()
    status = serializers.ChoiceField(WorkStatus.choices)
    attempt = serializers.IntegerField(help_text="How often it was sent.")
    response_status = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField()
    run_after = serializers.DateTimeField(help_text="When a pending one is sent.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class AttemptShape(serializers.Serializer):
    number = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField()
    response_status = serializers.IntegerField(allow_null=True)
    response_body = serializers.CharField(help_text="The first 2 KB.")
    error = serializers.CharField()


class DeliveryDetailShape(DeliveryShape):
    payload = serializers.DictField()
    attempts = AttemptShape(many=True)


def webhook_as_dict(endpoint: WebhookEndpoint) -> dict:
    return {name: getattr(endpoint, name) for name in WebhookShape().fields}


def delivery_as_dict(delivery: WebhookDelivery) -> dict:
    return {name: getattr(delivery, name) for name in DeliveryShape().fields}


def attempt_as_dict(attempt: WebhookAttempt) -> dict:
    return {name: getattr(attempt, name) for name in AttemptShape().fields}


@extend_schema_view(
    list=extend_schema(parameters=[ORGANIZATION], responses=WebhookShape(many=True))
)
class WebhookViewSet(OrganizationViewSet):
    """URLs that are told what happens; a secret is in the answer that makes it."""

    statuses = {"test": 202, "replay": 202}
    actions = {"*": "webhooks:manage"}
    queryset = WebhookEndpoint.objects.none()
    serializer_class = WebhookShape
    filter_backends = []

    def get_queryset(self):
        return WebhookEndpoint.objects.filter(organization=self.organization)

    def get_serializer_class(self):
        bodies = {
            "create": WebhookBody,
            "partial_update": WebhookChanges,
            "rotate": SecretRotationBody,
            "deliveries": DeliveryShape,
        }
        return bodies.get(self.action, WebhookShape)

    def find(self, pk: str) -> WebhookEndpoint:
        endpoint = self.get_queryset().filter(pk=pk).first()
        if endpoint is None:
            raise NotFound
        return endpoint

    def find_delivery(self, pk: str, delivery_id: str) -> WebhookDelivery:
        delivery = self.find(pk).deliveries.filter(pk=delivery_id).first()
        if delivery is None:
            raise NotFound
        return delivery

    def list(self, request):
        rows = self.filter_queryset(self.get_queryset())
        return self.list_page(rows, webhook_as_dict)

    @extend_schema(parameters=[ORGANIZATION], responses=WebhookShape)
    def retrieve(self, request, pk):
        return Response(webhook_as_dict(self.find(pk)))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=WebhookBody,
        responses={201: NewWebhookShape, 200: NewWebhookShape},
    )
    def create(self, request):
        body = self.body()
        repeated = idempotency_key(request, body)
        body.pop("idempotency_key", None)
        endpoint, raw = endpoints.create_endpoint(
            organization=self.organization,
            actor=self.principal.user,
            idempotency_key=repeated,
            request_fingerprint=request_fingerprint(body) if repeated else "",
            **body,
        )
        if raw is None:
            headers = {"Idempotency-Replayed": "true"}
            return Response(webhook_as_dict(endpoint), 200, headers=headers)
        return Response(webhook_as_dict(endpoint) | {"secret": raw}, 201)

    @extend_schema(
        parameters=[ORGANIZATION], request=WebhookChanges, responses=WebhookShape
    )
    def partial_update(self, request, pk):
        endpoint = endpoints.update_endpoint(
            endpoint=self.find(pk),
            actor=self.principal.user,
            changes=self.body(partial=True),
        )
        return Response(webhook_as_dict(endpoint))

    @extend_schema(parameters=[ORGANIZATION], responses={204: None})
    def destroy(self, request, pk):
        endpoints.delete_endpoint(endpoint=self.find(pk), actor=self.principal.user)
        return Response(status=204)

    @extend_schema(
        parameters=[ORGANIZATION], request=SecretRotationBody, responses=NewWebhookShape
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request, pk):
        """Make a new secret; both sign during the overlap."""
        endpoint, raw = endpoints.rotate_secret(
            endpoint=self.find(pk), actor=self.principal.user, **self.body()
        )
        return Response(webhook_as_dict(endpoint) | {"secret": raw})

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=None,
        responses={202: DeliveryShape, 200: DeliveryShape},
    )
    @action(detail=True, methods=["post"])
    def test(self, request, pk):
        """Send a `webhook.test` event, once."""
        endpoint = self.find(pk)
        return self.answer_once(
            {},
            endpoint.deliveries.all(),
            partial(
                endpoints.send_test_event, endpoint=endpoint, actor=self.principal.user
            ),
            delivery_as_dict,
            status=202,
        )

    @extend_schema(parameters=[ORGANIZATION], responses=DeliveryShape(many=True))
    @action(detail=True)
    def deliveries(self, request, pk):
        """What was sent there, newest first."""
        rows = self.filter_queryset(self.find(pk).deliveries.newest_first())
        return self.list_page(rows, delivery_as_dict)

    @extend_schema(parameters=[ORGANIZATION, DELIVERY], responses=DeliveryDetailShape)
    @action(detail=True, url_path=f"deliveries/(?P<delivery_id>{UUID_PATTERN})")
    def delivery(self, request, pk, delivery_id):
        """One delivery with its payload and every attempt."""
        delivery = self.find_delivery(pk, delivery_id)
        return Response(
            delivery_as_dict(delivery)
            | {
                "payload": json.loads(delivery.body),
                "attempts": [attempt_as_dict(row) for row in delivery.attempts.all()],
            }
        )

    @extend_schema(
        parameters=[ORGANIZATION, DELIVERY],
        request=None,
        responses={202: DeliveryShape},
    )
    @action(
        detail=True,
        methods=["post"],
        url_path=f"deliveries/(?P<delivery_id>{UUID_PATTERN})/replay",
    )
    def replay(self, request, pk, delivery_id):
        """Send a delivery again, with the same id and payload."""
        delivery = endpoints.replay_delivery(
            delivery=self.find_delivery(pk, delivery_id),
            actor=self.principal.user,
        )
        return Response(delivery_as_dict(delivery), 202)
