"""What `widget` keeps of visitors: where and when they came."""

from collections.abc import Iterator

from django.db import models

from accounts.models.organizations import Organization
from accounts.privacy.archives import rows_of
from accounts.privacy.registry import (
    Kind,
    Section,
    Steps,
    Visitor,
    erase_rows,
    register,
)
from widget.models import WidgetSession


def of_visitor(visitor: Visitor) -> models.QuerySet:
    return WidgetSession.objects.filter(
        agent__organization=visitor.organization, visitor_id=visitor.visitor_id
    )


def of_organization(organization: Organization) -> models.QuerySet:
    return WidgetSession.objects.filter(agent__organization=organization)


def visitor_sections(visitor: Visitor) -> Iterator[Section]:
    yield "visits", rows_of(of_visitor(visitor), "epoch")


def organization_sections(organization: Organization) -> Iterator[Section]:
    yield "visits", rows_of(of_organization(organization), "epoch")


def forget_visitor(visitor: Visitor) -> None:
    # The tokens that would renew them go along.
    erase_rows(of_visitor(visitor))


def forget_organization(organization: Organization) -> None:
    erase_rows(of_organization(organization))


def register_steps() -> None:
    register(
        Kind.VISITOR, "widget", Steps(export=visitor_sections, erase=forget_visitor)
    )
    register(
        Kind.ORGANIZATION,
        "widget",
        Steps(export=organization_sections, erase=forget_organization),
    )
