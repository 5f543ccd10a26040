"""What somebody may change of their own account."""

from django.db import transaction

from accounts.audit import log as audit
from accounts.errors import Invalid
from accounts.models.audit import AuditAction
from accounts.models.users import User


@transaction.atomic
def change_name(*, user: User, name: str) -> User:
    """Call somebody by another name; 1 to 255 characters. Raises Invalid."""
    name = name.strip()
    if not 1 <= len(name) <= 255:
        raise Invalid("A name has 1 to 255 characters.", pointer="/name")
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.is_oauth_user and user.name:
        raise Invalid(
            f"{user.get_provider_display()} says what your name is.", pointer="/name"
        )
    if changes := audit.difference({"name": user.name}, {"name": name}):
        user.name = name
        user.save(update_fields=["name", "updated_at"])
        audit.record(
            action=AuditAction.UPDATE,
            resource_type="user",
            resource_id=user.pk,
            actor=user,
            changes=changes,
        )
    return user
