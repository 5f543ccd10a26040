"""What a key can be bound to. `accounts` knows agents by a public id only.

The application that has them registers how an organization's are listed.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from accounts.models.organizations import Organization

# The newest of them; a key for an older one is made through the API.
MOST_OFFERED = 500
Lister = Callable[[Organization, int], Iterable[tuple[UUID, str]]]
Finder = Callable[[Organization, UUID], bool]
_listers: list[Lister] = []
_finders: list[Finder] = []


def register(lister: Lister, finder: Finder) -> None:
    _listers.append(lister)
    _finders.append(finder)


def knows(organization: Organization, public_id: UUID) -> bool:
    """Say whether a key of the organization may be bound to this."""
    return any(finder(organization, public_id) for finder in _finders)


def choices(organization: Organization) -> list[tuple[str, str]]:
    """Return what a key may be bound to: a public id and a name for each."""
    return [
        (str(public_id), name)
        for lister in _listers
        for public_id, name in lister(organization, MOST_OFFERED)
    ]
