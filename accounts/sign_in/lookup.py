"""People, found by what identifies them."""

from typing import Any
from uuid import UUID

from accounts.models.users import User


def get_user_by_id(user_id: Any) -> User | None:
    """Return a person who is not deleted, active or not; None for anybody else."""
    try:
        return User.objects.filter(pk=UUID(str(user_id))).first()
    except ValueError:
        return None
