"""What is kept of a person, an organization or a visitor, and how it is let go.

`accounts` knows only its own tables. Applications to the right register what they
keep when they are loaded; giving out goes from left to right, erasing from right to
left, as rows to the right point at those to the left.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import models

from accounts.models.organizations import Organization

Row = dict[str, Any]
# The name of a file in an archive, and what stands in it.
Section = tuple[str, Iterable[Row]]


class Kind(StrEnum):
    """Whom it is about: a `User`, an `Organization`, a `Visitor`."""

    PERSON = "person"
    ORGANIZATION = "organization"
    VISITOR = "visitor"


class Visitor(NamedTuple):
    """Somebody who talks with an organization's agents and has no account."""

    organization: Organization
    visitor_id: str


def nothing(subject: Any) -> Iterator[Section]:
    return iter(())


def no_deed(subject: Any) -> None:
    pass


@dataclass(frozen=True)
class Steps:
    """What one application does about one kind of subject."""

    # Give out what is kept, oldest first.
    export: Callable[[Any], Iterable[Section]] = nothing
    # Act on a deletion that may yet be undone, in its transaction.
    delete: Callable[[Any], None] = no_deed
    # Let go of it for good. May be called again where it was interrupted.
    erase: Callable[[Any], None] = no_deed


_registered: dict[tuple[Kind, str], Steps] = {}


def register(kind: Kind, app: str, steps: Steps) -> None:
    """Have an application asked whenever a subject of this kind is dealt with."""
    _registered[kind, app] = steps


def registered(kind: Kind) -> list[Steps]:
    """Return each application's steps, in the order they were loaded."""
    return [steps for (known, _), steps in _registered.items() if known == kind]


def sections(kind: Kind, subject: Any) -> Iterator[Section]:
    """Yield everything that is kept of a subject."""
    for steps in registered(kind):
        yield from steps.export(subject)


def delete(kind: Kind, subject: Any) -> None:
    for steps in reversed(registered(kind)):
        steps.delete(subject)


def erase(kind: Kind, subject: Any) -> None:
    for steps in reversed(registered(kind)):
        steps.erase(subject)


def erase_rows(rows: models.QuerySet, at_once: int = 200) -> None:
    """Delete rows with what hangs on them, a group at a time."""
    rows, every = rows.order_by(), rows.model._base_manager
    while found := list(rows.values_list("pk", flat=True)[:at_once]):
        every.filter(pk__in=found).delete()
