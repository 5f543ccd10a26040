"""Every route of the API and every page, read from the URL configuration."""

from collections.abc import Iterator
from typing import NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

from accounts.api.viewsets import OrganizationViewSet


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


class PageCell(NamedTuple):
    """One method of one page, and what its viewer must be allowed to do."""

    name: str
    method: str
    needs: str
    kwargs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.name}"


METHODS = ("get", "post", "put", "patch", "delete")


def named_patterns(
    resolver: URLResolver | None = None, spaces: tuple[str, ...] = ()
) -> Iterator[tuple[str, URLPattern]]:
    """Every route with the name that leads to it, namespaces included."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            inner = (*spaces, pattern.namespace) if pattern.namespace else spaces
            yield from named_patterns(pattern, inner)
        else:
            yield ":".join((*spaces, pattern.name or "")), pattern


def page_cells() -> list[PageCell]:
    """Every method of every page that asks for somebody signed in."""
    return [
        PageCell(
            name, method, pattern.callback.needs, tuple(pattern.pattern.converters)
        )
        for name, pattern in named_patterns()
        if hasattr(pattern.callback, "needs")
        for method in METHODS
    ]
