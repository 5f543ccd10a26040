"""Every route of the API, read from the URL configuration."""

from collections.abc import Iterator
from typing import NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

from accounts.doors import OrganizationViewSet


class Cell(NamedTuple):
    """One method of one route, and the action its view asks for."""

    name: str
    method: str
    action: str
    view: type
    kwargs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.name}"

    @property
    def needs(self) -> str:
        """The scope or permission it takes."""
        return self.view.actions.get(self.action) or self.view.actions["*"]


def patterns(resolver: URLResolver | None = None) -> Iterator[URLPattern]:
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern)
        else:
            yield pattern


def is_organization_view(pattern: URLPattern) -> bool:
    view = getattr(pattern.callback, "cls", None)
    return isinstance(view, type) and issubclass(view, OrganizationViewSet)


def cells() -> list[Cell]:
    """Every method of every route that serves an organization's things."""
    return [
        Cell(
            pattern.name,
            method,
            action,
            pattern.callback.cls,
            tuple(pattern.pattern.regex.groupindex),
        )
        for pattern in patterns()
        if is_organization_view(pattern)
        for method, action in pattern.callback.actions.items()
    ]
