"""What operators see of people: their accounts, and where they are signed in."""

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import transaction
from django.utils.html import format_html
from unfold.forms import AdminPasswordChangeForm, UserCreationForm

from accounts.admin.recorded import (
    IsDeletedFilter,
    ReadOnlyAdmin,
    RefusableForm,
    SoftDeletedAdmin,
)
from accounts.errors import NotFound
from accounts.models import AuditAction, BrowserSession, User
from accounts.privacy.account_closing import close_account, reopen_account
from accounts.sign_in.second_factors import remove_factors


class EmailIsFree:
    """Deleted users keep their address, which the form's own check does not see."""

    def clean_email(self):
        email = self.cleaned_data["email"].strip().lower()
        if User.all_objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("Another user has this address.")
        return email


class NewUserForm(EmailIsFree, UserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name")
        field_classes = {}


class UserForm(EmailIsFree, RefusableForm):
    pass


@admin.register(User)
class UserAdmin(SoftDeletedAdmin, DjangoUserAdmin):
    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = (
        "email",
        "name",
        "provider",
        "is_active",
        "is_superuser",
        "last_login",
        "deleted_at",
    )
    list_filter = (
        "is_active",
        "is_superuser",
        "provider",
        ("deleted_at", IsDeletedFilter),
    )
    search_fields = ("email", "name")
    ordering = ("email",)
    actions = ("vouch", "remove_factors", "restore")
    filter_horizontal = ()
    autocomplete_fields = ("groups",)
    readonly_fields = (
        "set_password",
        "is_verified",
        "provider_user_id",
        "last_login",
        "created_at",
        "updated_at",
        "deleted_at",
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name")}),
        ("Password", {"fields": ("usable_password", "password1", "password2")}),
    )
    fieldsets = (
        (None, {"fields": ("email", "is_verified", "name", "set_password")}),
        (
            "May",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "roles")},
        ),
        ("Signs in with", {"fields": ("provider", "provider_user_id", "last_login")}),
        ("Times", {"fields": ("created_at", "updated_at", "deleted_at")}),
    )

    @admin.display(description="Password")
    def set_password(self, user):
        # Not the stored hash, nor parts of it.
        return format_html(
            '<a href="../password/" class="text-primary-600">{}</a>',
            "Change it" if user.has_usable_password() else "Set one",
        )

    @admin.display(description="Address shown", boolean=True)
    def is_verified(self, user):
        return user.has_verified_email()

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and obj != request.user

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            obj.deactivate()  # for good: sessions do not revive with the account
        if change and "email" in form.changed_data:
            # The old address must not open the account any more.
            obj.emailaddress_set.all().delete()

    def remove(self, request, obj):
        close_account(user=obj, actor=request.user)

    def bring_back(self, request, obj):
        reopen_account(user=obj, actor=request.user)

    @admin.action(description="Vouch for the address", permissions=["change"])
    @transaction.atomic
    def vouch(self, request, queryset):
        users = [user for user in queryset.alive() if not user.has_verified_email()]
        for user in users:
            user.verify_email()
            changes = {"verified_email": {"old": None, "new": user.email}}
            self.record(request, AuditAction.UPDATE, user, changes=changes)
        messages.success(request, f"{len(users)} may sign in without a mailed code.")

    @admin.action(description="Remove the second step", permissions=["change"])
    def remove_factors(self, request, queryset):
        count = 0
        for user in queryset:
            try:
                remove_factors(user=user, actor=request.user)
                count += 1
            except NotFound:
                continue
        messages.success(request, f"{count} sign in without it, and are signed out.")

    @transaction.atomic
    def user_change_password(self, request, id, form_url=""):
        return super().user_change_password(request, id, form_url)


@admin.register(BrowserSession)
class BrowserSessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "device", "ip_address", "last_seen_at", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name", "ip_address")
    ordering = ("-last_seen_at", "-id")
    # Never the key of the session.
    fields = (
        "user",
        "device",
        "user_agent",
        "ip_address",
        "last_seen_at",
        "created_at",
    )
