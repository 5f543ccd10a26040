"""Prove that each organization's counter of agents is the number of its agents."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, Q

from accounts.audit import log as audit
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from agents.models.agents import Agent


@dataclass(frozen=True)
class Drift:
    organization_id: int
    name: str
    counted: int
    living: int


def find_drifts() -> list[Drift]:
    """Return the organizations whose counter is wrong, deleted ones included."""
    rows = (
        Organization.all_objects.annotate(
            living=Count("agents", filter=Q(agents__deleted_at=None))
        )
        .exclude(agent_count=F("living"))
        .order_by("pk")
        .values_list("pk", "name", "agent_count", "living")
    )
    return [Drift(*row) for row in rows]


@transaction.atomic
def repair_count(organization_id: int) -> Drift | None:
    """Count one organization's agents under its lock, and correct the counter."""
    # Creation, delete and restore hold the same lock: nothing moves meanwhile.
    organization = Organization.all_objects.select_for_update(no_key=True).get(
        pk=organization_id
    )
    living = Agent.objects.for_organization(organization).count()
    counted = organization.agent_count
    if counted == living:
        return None
    organization.agent_count = living
    organization.save(update_fields=["agent_count", "updated_at"])
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="organization",
        resource_id=organization.pk,
        organization_id=organization.pk,
        changes={"agent_count": {"old": counted, "new": living}},
    )
    return Drift(organization.pk, organization.name, counted, living)
