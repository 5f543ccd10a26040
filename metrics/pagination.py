"""Pages of one agent type's ledger, by its dense numbers."""

from urllib.parse import urlencode

from django.core import signing
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.response import Response

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
SALT = "ledger-cursor"


class LedgerPagination(BasePagination):
    """`{count, next, previous, results}`, newest first; `next` carries a cursor.

    The view sets `count` when it knows it.
    """

    count: int | None = None

    def paginate_queryset(self, queryset, request, view=None):
        self.request = request
        for name in ("offset", "ordering"):
            if name in request.query_params:
                raise ValidationError({name: "A history is read by `cursor`."})
        self.limit = self._limit()
        if cursor := request.query_params.get("cursor"):
            queryset = queryset.filter(sequence__lt=self._read(cursor))
        rows = list(queryset.newest_first()[: self.limit + 1])
        self.has_more = len(rows) > self.limit
        return rows[: self.limit]

    def _limit(self) -> int:
        text = self.request.query_params.get("limit", "") or str(DEFAULT_LIMIT)
        if not (text.isascii() and text.isdigit()) or int(text[:12]) < 1:
            raise ValidationError({"limit": "A whole number from 1."})
        return min(int(text[:12]), MAX_LIMIT)

    def _read(self, cursor: str) -> int:
        try:
            return int(signing.loads(cursor[:500], salt=SALT))
        except (signing.BadSignature, ValueError, TypeError):
            raise ValidationError(
                {"cursor": "This cursor is not one of ours."}
            ) from None

    def page_of(self, rows, results) -> Response:
        following = None
        if self.has_more:
            cursor = signing.dumps(rows[-1].sequence, salt=SALT)
            place = {"limit": self.limit, "cursor": cursor}
            query = urlencode(self.request.query_params.dict() | place)
            url = self.request.build_absolute_uri(self.request.path)
            following = f"{url}?{query}"
        return Response(
            {
                "count": self.count,
                "next": following,
                "previous": None,
                "results": results,
            }
        )

    def get_paginated_response_schema(self, schema):
        uri = {"type": "string", "nullable": True, "format": "uri"}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": {"type": "integer", "nullable": True},
                "next": uri,
                "previous": uri,
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view):
        return [
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": f"1 to {MAX_LIMIT}; default {DEFAULT_LIMIT}.",
                "schema": {"type": "integer", "minimum": 1},
            },
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "From `next`.",
                "schema": {"type": "string"},
            },
        ]
