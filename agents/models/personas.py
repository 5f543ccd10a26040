from django.db import models
from django.db.models import Q

from accounts.models.lifecycle import TimeStamped, new_id
from accounts.models.organizations import Organization


class DomainExpertiseType(models.TextChoices):
    SALES_REP = "sales_rep", "Sales rep"
    SOLUTION_ENGINEER = "solution_engineer", "Solution engineer"
    SUPPORT_EXPERT = "support_expert", "Support expert"
    DOMAIN_SPECIALIST = "domain_specialist", "Domain specialist"
    PRODUCT_EXPERT = "product_expert", "Product expert"


class PersonaQuerySet(models.QuerySet):
    def available_to(self, organization):
        """The built-in personas and the organization's own."""
        return self.filter(Q(organization=None) | Q(organization=organization))

    def built_in(self, key: str):
        return self.filter(organization=None, key=key)


class Persona(TimeStamped):
    """How an agent behaves. Built-ins come from `agents.configuration.personas`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="personas",
        help_text="Empty for the built-in personas.",
    )
    key = models.SlugField(max_length=50)
    name = models.CharField(max_length=100)
    domain = models.CharField(max_length=30, choices=DomainExpertiseType)
    system_prompt = models.TextField()
    tactics = models.JSONField(default=dict)

    objects = PersonaQuerySet.as_manager()

    class Meta:
        db_table = "personas"
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "key"],
                nulls_distinct=False,
                name="uq_personas_key",
            )
        ]

    def __str__(self) -> str:
        return self.name
