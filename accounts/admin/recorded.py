"""What operators' pages share: every change is recorded, a refusal is no crash."""

import math
import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models, transaction
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.audit import log as audit
from accounts.errors import DomainError
from accounts.models.audit import PLATFORM, AuditAction


class StorableJSONField(forms.JSONField):
    """JSON that PostgreSQL can hold: no NUL, no half of a surrogate pair."""

    def __init__(self, **kwargs):
        # Nothing is the model's default, and {} is no lack of a value.
        super().__init__(**kwargs | {"required": False, "show_hidden_initial": False})

    def clean(self, value):
        value = super().clean(value)
        if value is None and callable(self.initial):
            return self.initial()
        return value

    def bound_data(self, data, initial):
        """Show what was sent as it was sent, storable or not."""
        return initial if self.disabled else InvalidJSONInput(data)

    def to_python(self, value):
        try:
            value = super().to_python(value)
        except RecursionError:
            raise forms.ValidationError("Nested too deeply.") from None
        if not is_storable(value):
            raise forms.ValidationError("It holds what cannot be stored.")
        return value


def is_storable(value: Any) -> bool:
    """Say whether JSONB can hold a value that was read from JSON."""
    if isinstance(value, dict):
        return all(is_storable(key) and is_storable(value[key]) for key in value)
    if isinstance(value, list):
        return all(map(is_storable, value))
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return not any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in value)
    return True


class RefusableForm(forms.ModelForm):
    """A form that shows the domain's refusal at the field it is about."""

    refusal: DomainError | None = None
    # Fields whose name here is not the domain's.
    pointers: dict[str, str] = {}

    def clean(self):
        values = super().clean()
        if self.refusal is not None:
            members = self.refusal.members()
            for error in members["errors"] or [members]:
                name = error.get("pointer", "").strip("/").split("/")[0]
                name = self.pointers.get(name, name)
                self.add_error(name if name in self.fields else None, error["detail"])
        return values


class OperatorAdmin(ModelAdmin):
    """Rows an operator may change; what changed goes to the audit log with it."""

    form = RefusableForm
    formfield_overrides = {
        models.JSONField: {
            "form_class": StorableJSONField,
            "widget": UnfoldAdminTextareaWidget,
        }
    }
    list_per_page = 50
    show_full_result_count = False
    warn_unsaved_form = True
    compressed_fields = True
    list_filter_submit = True
    # Whether the domain functions that save these rows write the audit log already.
    is_recorded_below = False

    def __init__(self, model, admin_site):
        super().__init__(model, admin_site)
        self.readonly_preprocess_fields = {
            field.name: without_styles
            for field in model._meta.fields
            if isinstance(field, models.JSONField)
        }

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        """Show deleted rows too; a filter tells them apart."""
        rows = self.model._base_manager.all()
        return rows.order_by(*self.get_ordering(request) or ["-pk"])

    # --- Refusals -----------------------------------------------------------

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "refusal", None)
        return form

    def changeform_view(self, request, *args, **kwargs) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DomainError as error:
            # Its transaction is undone; once more, and the form knows why.
            request.refusal = error
            return super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request, object_id, extra_context=None) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as error:
            messages.error(request, error.detail)
            return redirect("..")

    def changelist_view(self, request, extra_context=None) -> HttpResponse:
        try:
            return super().changelist_view(request, extra_context)
        except DomainError as error:
            messages.error(request, error.detail)
            return redirect(request.get_full_path())

    # --- Changes ------------------------------------------------------------

    def save_model(self, request, obj, form, change) -> None:
        """Save what the form changed and no more: others change the rest meanwhile."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        columns = {field.name for field in obj._meta.concrete_fields}
        changed = columns & set(form.changed_data)
        if changed:
            obj.save(update_fields=changed | (columns & {"updated_at"}))

    def delete_model(self, request, obj) -> None:
        self.remove(request, obj)

    @transaction.atomic
    def delete_queryset(self, request, queryset) -> None:
        for obj in queryset:
            self.remove(request, obj)

    @transaction.atomic
    def remove(self, request: HttpRequest, obj: models.Model) -> None:
        """Delete one row."""
        resource_id = obj.pk
        obj.delete()
        self.record(request, AuditAction.DELETE, obj, resource_id=resource_id)

    # --- Record -------------------------------------------------------------

    def construct_change_message(self, request, form, formsets, add=False):
        # Called once a change is stored, in its transaction, for every form.
        if form.changed_data and not self.is_recorded_below:
            action = AuditAction.CREATE if add else AuditAction.UPDATE
            obj = getattr(form, "user", None) or form.instance
            self.record(request, action, obj, changes=changes_of(form, add))
        return super().construct_change_message(request, form, formsets, add)

    def record(
        self,
        request: HttpRequest,
        action: AuditAction,
        obj: models.Model,
        *,
        resource_id: Any = None,
        changes: dict[str, Any] | None = None,
    ) -> None:
        """Append to the audit log; the caller's transaction holds both."""
        audit.record(
            action=action,
            resource_type=self.opts.db_table.removesuffix("s"),
            resource_id=obj.pk if resource_id is None else resource_id,
            organization_id=self.organization_id_of(obj),
            actor=request.user,
            changes=changes,
            metadata={"operator": True},
        )

    def organization_id_of(self, obj: models.Model) -> int:
        """Return whose chain a row is recorded in."""
        return getattr(obj, "organization_id", None) or PLATFORM


class OnlyTheseMixin:
    """Deletion by the domain, which alone knows what goes along."""

    def get_deleted_objects(self, objs, request):
        count = {str(self.opts.verbose_name_plural): len(objs)}
        return [str(obj) for obj in objs], count, set(), []


class SoftDeletedAdmin(OnlyTheseMixin, OperatorAdmin):
    """Rows that are hidden rather than deleted, and may come back."""

    actions = ("restore",)

    def remove(self, request: HttpRequest, obj: models.Model) -> None:
        obj.soft_delete()
        self.record(request, AuditAction.DELETE, obj)

    def bring_back(self, request: HttpRequest, obj: models.Model) -> None:
        changes = {"deleted_at": {"old": obj.deleted_at, "new": None}}
        obj.restore()
        self.record(request, AuditAction.UPDATE, obj, changes=changes)

    @admin.action(description="Restore", permissions=["change"])
    @transaction.atomic
    def restore(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        rows = list(queryset.exclude(deleted_at=None))
        for obj in rows:
            self.bring_back(request, obj)
        messages.success(request, f"{len(rows)} restored.")


class IsDeletedFilter(admin.EmptyFieldListFilter):
    """Tell living rows from deleted ones."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.title = "deleted"

    def choices(self, changelist):
        words = ("All", "Living", "Deleted")
        for choice, display in zip(super().choices(changelist), words, strict=True):
            yield choice | {"display": display}


class ReadOnlyAdmin(OperatorAdmin):
    """Rows that operators only read: a record, or the work of a program."""

    warn_unsaved_form = False
    actions = None

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


STYLE = re.compile(r' style="[^"]*"')


def without_styles(html: str) -> SafeString:
    """Take out the inline styles unfold colours JSON with."""
    return SafeString(STYLE.sub("", html))


def changes_of(form: forms.BaseForm, add: bool) -> dict[str, Any]:
    """Return {field: {old, new}} of a valid form."""
    return {
        name: {
            "old": None if add else plain(form.initial.get(name)),
            "new": plain(form.cleaned_data.get(name)),
        }
        for name in form.changed_data
    }


def plain(value: Any) -> Any:
    """Name rows by their keys; leave everything else."""
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, models.QuerySet | list | tuple):
        return [plain(item) for item in value]
    return value
