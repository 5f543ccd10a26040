from django.db import models
from django.utils import timezone

from accounts.models.lifecycle import Idempotent, new_id
from accounts.models.organizations import Organization
from accounts.models.users import User


class IdempotencyKey(Idempotent):
    """What a key has created, where the created row has no column for it.

    The key is an organization's own; a user's where the organization is created.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="+"
    )
    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="+"
    )
    resource_type = models.CharField(max_length=50)
    resource_id = models.CharField(max_length=36)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "idempotency_keys"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user", "resource_type", "idempotency_key"],
                nulls_distinct=False,
                name="uq_idempotency_keys",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.idempotency_key} of {self.resource_type}"
