from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts import cache
from accounts.access.api_keys import revoke_api_key
from accounts.admin.recorded import (
    IsDeletedFilter,
    OperatorAdmin,
    ReadOnlyAdmin,
    SoftDeletedAdmin,
)
from accounts.models import (
    APIKey,
    AuditAction,
    AuditAnchor,
    AuditDetail,
    AuditHead,
    AuditLog,
    IdempotencyKey,
    Invitation,
    Membership,
    Organization,
)
from accounts.models.organizations import PLAN_LIMITS, UNLIMITED
from accounts.organizations.deletion import delete_organization, restore_organization
from accounts.organizations.members import revoke_invitation

# Tables of sign-in that users' own pages keep; operators have no business there.
KEPT_BY_USERS = {"account", "socialaccount", "mfa"}
for model in [
    Group,
    *(m for m in admin.site._registry if m._meta.app_label in KEPT_BY_USERS),
]:
    admin.site.unregister(model)


@admin.register(Group)
class GroupAdmin(OperatorAdmin, DjangoGroupAdmin):
    list_display = ("name",)
    search_fields = ("name",)
    fields = ("name",)


@admin.register(Organization)
class OrganizationAdmin(SoftDeletedAdmin):
    list_display = ("name", "plan", "agents", "created_at", "deleted_at")
    list_filter = ("plan", ("deleted_at", IsDeletedFilter))
    search_fields = ("name", "=id")
    ordering = ("name", "id")
    actions = ("use_plan_limits", "restore")
    readonly_fields = ("agent_count", "created_at", "updated_at", "deleted_at")
    add_fieldsets = ((None, {"fields": ("name", "plan")}),)
    fieldsets = (
        (None, {"fields": ("name", "plan", "agent_count")}),
        (
            "Limits",
            {
                "fields": tuple(PLAN_LIMITS["free"]),
                "description": "-1 is unlimited. Another plan leaves them as they are.",
            },
        ),
        ("Settings", {"fields": ("settings",)}),
        ("Times", {"fields": ("created_at", "updated_at", "deleted_at")}),
    )

    @admin.display(description="Agents", ordering="agent_count")
    def agents(self, organization):
        limit = organization.max_agents
        return f"{organization.agent_count} of {'any' if limit == UNLIMITED else limit}"

    def organization_id_of(self, obj):
        return obj.pk

    def remove(self, request, obj):
        delete_organization(organization=obj, actor=request.user)

    def bring_back(self, request, obj):
        restore_organization(organization=obj, actor=request.user)

    def save_model(self, request, obj, form, change):
        if not change:
            for name, value in PLAN_LIMITS[obj.plan].items():
                setattr(obj, name, value)
        super().save_model(request, obj, form, change)

    @admin.action(description="Set the plan's limits", permissions=["change"])
    @transaction.atomic
    def use_plan_limits(self, request, queryset):
        for organization in queryset:
            limits = PLAN_LIMITS[organization.plan]
            changes = {
                name: {"old": getattr(organization, name), "new": value}
                for name, value in limits.items()
                if getattr(organization, name) != value
            }
            if changes:
                Organization.all_objects.filter(pk=organization.pk).update(**limits)
                cache.forget("organization", organization.pk)
                self.record(request, AuditAction.UPDATE, organization, changes=changes)
        messages.success(request, "The limits are those of the plan.")


@admin.register(Membership)
class MembershipAdmin(OperatorAdmin):
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role", ("organization", AutocompleteSelectFilter))
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "user__name", "organization__name")
    autocomplete_fields = ("user", "organization")
    fields = ("organization", "user", "role", "created_at")
    ordering = ("-created_at", "-id")

    def get_readonly_fields(self, request, obj=None):
        return ("created_at", *(("organization", "user") if obj else ()))


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = (
        "email",
        "organization",
        "role",
        "invited_by",
        "expires_at",
        "accepted_at",
        "revoked_at",
    )
    list_filter = ("role", ("organization", AutocompleteSelectFilter))
    list_select_related = ("organization", "invited_by")
    search_fields = ("email", "organization__name")
    ordering = ("-created_at", "-id")
    actions = ("revoke",)
    # Never the hash of the link's secret.
    fields = (*list_display, "created_at")

    @admin.action(description="Revoke", permissions=["view"])
    @transaction.atomic
    def revoke(self, request, queryset):
        invitations = list(queryset.filter(pk__in=Invitation.objects.open()))
        for invitation in invitations:
            revoke_invitation(
                organization=invitation.organization,
                actor=request.user,
                invitation_id=invitation.pk,
            )
        messages.success(request, f"{len(invitations)} revoked.")


@admin.register(APIKey)
class APIKeyAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "shown",
        "organization",
        "user",
        "rate_limit_tier",
        "last_used_at",
        "expires_at",
        "deleted_at",
    )
    list_filter = (
        "rate_limit_tier",
        ("deleted_at", IsDeletedFilter),
        ("organization", AutocompleteSelectFilter),
    )
    list_select_related = ("user", "organization")
    search_fields = ("name", "=key_prefix", "user__email")
    ordering = ("-created_at", "-id")
    actions = ("revoke",)
    fields = (
        "name",
        "shown",
        "organization",
        "user",
        "scopes",
        "rate_limit_tier",
        "agent_public_id",
        "expires_at",
        "last_used_at",
        "created_at",
        "deleted_at",
    )

    @admin.display(description="Key")
    def shown(self, key):
        return f"{key.key_prefix}…{key.last_four}"

    @admin.action(description="Revoke", permissions=["view"])
    def revoke(self, request, queryset):
        keys = list(queryset.alive())
        for key in keys:
            revoke_api_key(key=key, actor=request.user)
        messages.success(request, f"{len(keys)} revoked.")


@admin.register(AuditLog)
class AuditLogAdmin(ReadOnlyAdmin):
    list_display = (
        "timestamp",
        "action",
        "resource_type",
        "resource_id",
        "user",
        "actor_type",
        "organization_id",
        "sequence",
    )
    list_filter = ("action", "actor_type", "timestamp")
    list_select_related = ("user",)
    search_fields = ("resource_type", "resource_id", "=request_id")
    ordering = ("-timestamp", "-id")
    fields = (
        *(field.name for field in AuditLog._meta.fields),
        "changes",
        "request_body",
        "metadata",
        "ip_address",
        "user_agent",
    )

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("detail")

    @admin.display
    def changes(self, row):
        return detail_of(row, "changes")

    @admin.display
    def request_body(self, row):
        return detail_of(row, "request_body")

    @admin.display
    def metadata(self, row):
        return detail_of(row, "metadata")

    @admin.display
    def ip_address(self, row):
        return detail_of(row, "ip_address")

    @admin.display
    def user_agent(self, row):
        return detail_of(row, "user_agent")


@admin.register(AuditDetail)
class AuditDetailAdmin(ReadOnlyAdmin):
    list_display = ("audit_log", "ip_address", "user_agent")
    list_select_related = ("audit_log",)
    search_fields = ("=audit_log__resource_id", "=ip_address")
    ordering = ("-audit_log",)


@admin.register(AuditHead)
class AuditHeadAdmin(ReadOnlyAdmin):
    list_display = ("organization_id", "sequence", "hash")
    search_fields = ("=organization_id",)
    ordering = ("organization_id",)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("idempotency_key", "resource_type", "resource_id", "created_at")
    search_fields = ("=idempotency_key", "=resource_id")
    ordering = ("-created_at", "-id")


@admin.register(AuditAnchor)
class AuditAnchorAdmin(ReadOnlyAdmin):
    list_display = ("size", "digest")
    ordering = ("id",)


def detail_of(row: AuditLog, name: str) -> object:
    """Return what may name a person, unless that was erased."""
    detail = getattr(row, "detail", None)
    return getattr(detail, name) if detail else "erased"
