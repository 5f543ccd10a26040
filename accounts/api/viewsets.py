"""What REST views of an organization's things share."""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.response import Response
from rest_framework.settings import api_settings

from accounts.access.authentication import Principal, is_still_let_in
from accounts.api.fields import StrictSerializer, TextField
from accounts.api.idempotency import create_once
from accounts.errors import Invalid
from accounts.models.organizations import Organization
from accounts.models.users import User

# Parameters every list knows besides its filters.
LIST_PARAMETERS = {"organization_id", "limit", "offset", "cursor", "ordering", "format"}
MAX_KEY = 255
ORGANIZATION = OpenApiParameter(
    "organization_id", int, description="Needed by who belongs to several."
)
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="1 to 255 characters"
)

NON_FIELD_ERRORS_KEY = api_settings.NON_FIELD_ERRORS_KEY


class OrganizationViewSet(viewsets.GenericViewSet):
    """A viewset that asks for an action and works in one organization.

    `actions` maps the viewset's method names to the action each needs;
    `"*"` stands for the others.
    """

    actions: dict[str, str] = {}
    # Whether a key bound to one agent may come in; the view then keeps it there.
    admits_bound_keys = False
    lookup_value_regex = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

    # What methods are answered with, if not as `request_facts.USUAL_STATUSES` says.
    statuses: dict[str, int] = {}
    # Whether the audit log keeps of a body the names alone (`withholds_body`).
    is_body_withheld = False

    # How large a JSON body may be, if not as usual.
    max_body_bytes: int | None = None
    # False for the views of what belongs to a person rather than an organization.
    is_about_one_organization = True

    def initial(self, request, *args, **kwargs):
        """Settle organization and rights before anything is read of the body."""
        super().initial(request, *args, **kwargs)
        if self.is_about_one_organization:
            _ = self.principal

    def action_for(self, request) -> str:
        return self.actions.get(self.action) or self.actions["*"]

    @cached_property
    def principal(self) -> Principal:
        """Who asks, settled in the organization the request is about."""
        return self.request.auth.in_organization(
            self.request.query_params.get("organization_id"),
            self.action_for(self.request),
        )

    def is_still_let_in(self) -> bool:
        """Say whether who asked would be let in now, for what lasts after a request."""
        return is_still_let_in(
            self.request._request,
            self.principal.organization,
            self.action_for(self.request),
        )

    @property
    def organization(self):
        return self.principal.organization

    def filter_queryset(self, queryset):
        """Filter and order; refuse parameters nobody reads, a typo shows no rows."""
        filterset_class = getattr(self, "filterset_class", None)
        filters = set(getattr(filterset_class, "base_filters", {}))
        asked = self.refuse_unknown_parameters(filters)
        # Most lists are read unfiltered: then there is no form to build.
        return super().filter_queryset(queryset) if asked & filters else queryset

    def refuse_unknown_parameters(self, known: set[str]) -> set[str]:
        """Refuse a parameter that no list knows and this one neither; return all."""
        asked = set(self.request.query_params)
        if unknown := sorted(asked - LIST_PARAMETERS - known):
            raise ValidationError({unknown[0]: "There is no such parameter here."})
        return asked

    def list_page(self, queryset, as_dict) -> Any:
        """Answer with one page of a queryset, each row made a dict."""
        rows = self.paginator.paginate_queryset(queryset, self.request, self)
        return self.paginator.page_of(rows, [as_dict(row) for row in rows])

    def cursor_of(self, row) -> tuple[Any, Any]:
        return row.created_at, row.pk

    def body(self, *, partial: bool = False) -> dict[str, Any]:
        """Return the validated body."""
        reader = reader_of(self.get_serializer_class(), partial)
        if self.request.data is None:
            raise ValidationError({NON_FIELD_ERRORS_KEY: ["No data provided"]})
        return reader.run_validation(self.request.data)

    def answer_once(
        self,
        body: dict[str, Any],
        rows: QuerySet,
        create: Callable[..., Any],
        as_dict: Callable[[Any], dict[str, Any]],
        *,
        status: int = 201,
        owner: Organization | User | None = None,
    ) -> Response:
        """Answer with what `create` makes of a body, or its key has made already.

        See `create_once`. What was there before, though not by this key, is a 200.
        """
        body = dict(body)
        key = idempotency_key(self.request, body)
        body.pop("idempotency_key", None)
        created = create_once(
            owner=owner or self.organization,
            key=key,
            asked=[self.kwargs, body],
            rows=rows,
            create=lambda: create(**body),
        )
        headers = {"Idempotency-Replayed": "true"} if created.is_replay else {}
        code = status if created.is_new else 200
        return Response(as_dict(created.row), code, headers=headers)


class WhateverAccepted(BaseContentNegotiation):
    """For an answer that has one form only: a file, and problems as everywhere."""

    def select_parser(self, request, parsers):
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


@cache
def reader_of(
    serializer_class: type[serializers.Serializer], partial: bool
) -> serializers.Serializer:
    """Return the one serializer that reads the bodies of all requests.

    Reading leaves nothing behind in it, and a new one would copy every field.
    """
    return serializer_class(partial=partial)


def idempotency_key(request, body: dict[str, Any]) -> str | None:
    """Take the key from the header or the body; both must say the same."""
    header = request.META.get("HTTP_IDEMPOTENCY_KEY")
    written = body.get("idempotency_key")
    if header is not None and written is not None and header != written:
        raise Invalid(
            "The header and the body name different idempotency keys.",
            pointer="/idempotency_key",
        )
    key = written if header is None else header
    if key is None:
        return None
    visible = isinstance(key, str) and all("!" <= char <= "~" for char in key)
    if not visible or not 1 <= len(key) <= MAX_KEY:
        raise Invalid(
            f"An idempotency key is 1 to {MAX_KEY} visible ASCII characters.",
            pointer="/idempotency_key",
        )
    return key


class CreationBody(StrictSerializer):
    """What creates something, once for each key."""

    idempotency_key = TextField(
        max_length=255, required=False, allow_null=True, trim_whitespace=False
    )
