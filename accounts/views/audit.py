"""The page of the audit log, and the same rows as CSV."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from django import forms
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models.audit import AuditAction, AuditLog
from accounts.views.access import page, principal_of

PER_PAGE = 50
MOST_EXPORTED = 100_000
COLUMNS = (
    "timestamp",
    "sequence",
    "action",
    "resource_type",
    "resource_id",
    "actor",
    "actor_type",
    "api_key_id",
    "ip_address",
    "request_id",
    "request_method",
    "request_path",
    "response_status",
    "request_body",
    "changes",
    "metadata",
)


class AuditFilterForm(forms.Form):
    action = forms.ChoiceField(
        choices=[("", "Any action"), *AuditAction.choices], required=False
    )
    resource = forms.CharField(max_length=255, required=False, label="Kind or id")
    person = forms.CharField(max_length=255, required=False, label="Person")
    since = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def narrow(self, rows: QuerySet) -> QuerySet:
        """Return the rows that match; a wrong filter matches all and says so."""
        if not self.is_valid():
            return rows
        asked = self.cleaned_data
        if asked["action"]:
            rows = rows.filter(action=asked["action"])
        if asked["resource"]:
            rows = rows.filter(
                Q(resource_type=asked["resource"]) | Q(resource_id=asked["resource"])
            )
        if asked["person"]:
            rows = rows.filter(
                Q(user__email__icontains=asked["person"])
                | Q(user__name__icontains=asked["person"])
            )
        if asked["since"]:
            rows = rows.filter(timestamp__gte=_midnight(asked["since"]))
        if asked["until"]:
            rows = rows.filter(timestamp__lte=_day_end(asked["until"]))
        return rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _day_end(day: date) -> datetime:
    return datetime.combine(day, time.max, UTC)


def _rows(request: HttpRequest, form: AuditFilterForm) -> QuerySet:
    organization = principal_of(request).organization
    rows = AuditLog.objects.for_organization(organization.pk).with_details()
    return form.narrow(rows).newest_first()


@require_safe
@page("audit:read")
def log(request: HttpRequest) -> HttpResponse:
    """Who did what, newest first."""
    form = AuditFilterForm(request.GET or None)
    listed = Paginator(_rows(request, form), PER_PAGE)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "form": form,
        "page": listed.get_page(request.GET.get("page")),
        "query": query.urlencode(),
    }
    return render(request, "accounts/audit/audit.html", context)


@require_safe
@page("audit:read")
def export(request: HttpRequest) -> HttpResponse:
    """The filtered rows as CSV, at most a hundred thousand."""
    rows = _rows(request, AuditFilterForm(request.GET or None))[:MOST_EXPORTED]
    response = StreamingHttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit-log.csv"'
    return response


class _Echo:
    def write(self, text: str) -> str:
        return text


def _csv(rows: QuerySet) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows.iterator(chunk_size=1_000):
        yield writer.writerow([harmless(value) for value in _cells(row)])


def _cells(row: AuditLog) -> list[object]:
    detail = getattr(row, "detail", None)
    return [
        row.timestamp.isoformat(),
        row.sequence,
        row.action,
        row.resource_type,
        row.resource_id,
        row.user.email if row.user else "",
        row.actor_type,
        row.api_key_id or "",
        detail.ip_address if detail else "",
        row.request_id or "",
        row.request_method,
        row.request_path,
        row.response_status or "",
        _json(detail and detail.request_body),
        _json(detail and detail.changes),
        _json(detail and detail.metadata),
    ]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if value else ""


def harmless(value: object) -> object:
    """Keep a spreadsheet from taking a cell for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\0") else value
