"""Pages of lists: limit and offset for the first ones, a signed cursor beyond."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.response import Response

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
MAX_OFFSET = 10_000
SALT = "list-cursor"


class LimitOffsetOrCursorPagination(BasePagination):
    """`{count, next, previous, results}`.

    The view may offer `known_count(queryset)` (a total it need not count), and
    `cursor_field`, the unique field that tells rows of one moment apart
    (default: the primary key; never one that must not leave the server).
    """

    def paginate_queryset(self, queryset, request, view=None):
        self.request, self.view = request, view
        self.limit = self._number("limit", DEFAULT_LIMIT, least=1)
        self.limit = min(self.limit, MAX_LIMIT)
        self.cursor = request.query_params.get("cursor")
        if self.cursor is not None:
            return self._after_cursor(queryset)
        self.offset = self._number("offset", 0)
        if self.offset > MAX_OFFSET:
            raise ValidationError(
                {"offset": f"At most {MAX_OFFSET}; use `cursor` to read further."}
            )
        self.count = self._count(queryset)
        return list(queryset[self.offset : self.offset + self.limit])

    def _number(self, name: str, default: int, least: int = 0) -> int:
        text = self.request.query_params.get(name, "")
        if text == "":
            return default
        if not (text.isascii() and text.isdigit()) or int(text[:12]) < least:
            raise ValidationError({name: f"A whole number from {least}."})
        return int(text[:12])

    def _count(self, queryset: QuerySet) -> int:
        known = getattr(self.view, "known_count", None)
        count = known(queryset) if known else None
        return queryset.order_by().count() if count is None else count

    # --- cursor -------------------------------------------------------------
    @property
    def _field(self) -> str:
        return getattr(self.view, "cursor_field", "pk")

    def _after_cursor(self, queryset: QuerySet) -> list[Any]:
        if "ordering" in self.request.query_params:
            raise ValidationError({"cursor": "A cursor goes with no other order."})
        queryset = queryset.order_by("-created_at", "-pk")
        if self.cursor:
            moment, key = self._read(self.cursor)
            twin = queryset.model._base_manager.filter(**{self._field: key})
            last = key if self._field == "pk" else twin.values("pk")[:1]
            # The first half lets the index seek; the second tells twins apart.
            queryset = queryset.filter(
                Q(created_at__lt=moment) | Q(pk__lt=last), created_at__lte=moment
            )
        rows = list(queryset[: self.limit + 1])
        self.has_more = len(rows) > self.limit
        return rows[: self.limit]

    def _read(self, cursor: str) -> tuple[datetime, str]:
        try:
            moment, key = signing.loads(cursor[:500], salt=SALT)
            parsed = parse_datetime(moment)
        except (signing.BadSignature, ValueError, TypeError):
            parsed, key = None, ""
        if parsed is None:
            raise ValidationError({"cursor": "This cursor is not one of ours."})
        return parsed, key

    def _write(self, row: Any) -> str:
        moment, key = self.view.cursor_of(row)
        return signing.dumps([moment.isoformat(), str(key)], salt=SALT)

    # --- the answer ---------------------------------------------------------
    def page_of(self, rows: list[Any], results: list[Any]) -> Response:
        """Answer with results made from the rows `paginate_queryset` gave."""
        if self.cursor is not None:
            following = {"cursor": self._write(rows[-1])} if self.has_more else None
            return self._answer(results, None, following, None)
        before = max(0, self.offset - self.limit)
        return self._answer(
            results,
            self.count,
            {"offset": self.offset + self.limit}
            if self.offset + self.limit < self.count
            else None,
            {"offset": before} if self.offset > 0 else None,
        )

    def _answer(self, results, count, following, previous) -> Response:
        return Response(
            {
                "count": count,
                "next": self._link(following),
                "previous": self._link(previous),
                "results": results,
            }
        )

    def _link(self, place: dict[str, Any] | None) -> str | None:
        if place is None:
            return None
        query = self.request.query_params.dict() | {"limit": self.limit} | place
        url = self.request.build_absolute_uri(self.request.path)
        return f"{url}?{urlencode(query)}"

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
        def parameter(name: str, schema: dict, description: str) -> dict:
            return {
                "name": name,
                "in": "query",
                "required": False,
                "description": description,
                "schema": schema,
            }

        number = {"type": "integer", "minimum": 0}
        return [
            parameter("limit", number, f"1 to {MAX_LIMIT}; default {DEFAULT_LIMIT}."),
            parameter("offset", number | {"maximum": MAX_OFFSET}, "Rows to skip."),
            parameter(
                "cursor",
                {"type": "string"},
                "Empty for the first page, then from `next`: for deep reads.",
            ),
        ]
