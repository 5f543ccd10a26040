"""Agents, as operators create, edit, delete and restore them."""

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin.recorded import (
    IsDeletedFilter,
    OperatorAdmin,
    ReadOnlyAdmin,
    RefusableForm,
    SoftDeletedAdmin,
)
from agents.lifecycle.creation import create_agent
from agents.lifecycle.deletion import delete_agent, restore_agent
from agents.lifecycle.editing import update_agent
from agents.models import Agent, AgentVersion, OptimizationRun, Persona, WidgetMode
from agents.models.agents import SETTINGS

FIELDSETS = (
    (None, {"fields": ("organization", "name", "description", "etag")}),
    ("Answers", {"fields": ("system_prompt", "persona", "knowledge_pack", "config")}),
    ("Widget", {"fields": ("allowed_origins", "widget_mode", "widget_config")}),
    ("Release", {"fields": ("is_active", "release_gate", "auto_optimize")}),
)
PLACED = flatten_fieldsets(FIELDSETS)
OTHERS = tuple(each.name for each in SETTINGS if each.name not in PLACED)


class AgentForm(RefusableForm):
    allowed_origins = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="One site a line, such as https://www.example.com; none, nowhere.",
    )
    etag = forms.CharField(required=False, widget=forms.HiddenInput)
    pointers = {"persona_key": "persona", "knowledge_pack_id": "knowledge_pack"}

    class Meta:
        model = Agent
        fields = ("organization", *(each.name for each in SETTINGS))
        exclude = ("allowed_origins",)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "widget_mode" in self.fields:
            modes = {*WidgetMode.offered(), WidgetMode(self.instance.widget_mode)}
            self.fields["widget_mode"].choices = [
                (mode.value, mode.words) for mode in WidgetMode if mode in modes
            ]
        if self.instance.pk:
            self.initial["allowed_origins"] = "\n".join(self.instance.allowed_origins)
            self.initial["etag"] = self.instance.etag

    def clean_allowed_origins(self) -> list[str]:
        return self.cleaned_data["allowed_origins"].split()

    def wishes(self) -> dict:
        """Return the domain's names and values of what was filled in."""
        values = self.cleaned_data
        return {each.written_as: each.told(values[each.name]) for each in SETTINGS}


@admin.register(Agent)
class AgentAdmin(SoftDeletedAdmin):
    form = AgentForm
    is_recorded_below = True
    list_display = (
        "name",
        "organization",
        "persona",
        "is_active",
        "optimization_status",
        "created_at",
        "deleted_at",
    )
    list_filter = (
        "is_active",
        "optimization_status",
        "release_gate",
        ("deleted_at", IsDeletedFilter),
        ("organization", AutocompleteSelectFilter),
    )
    list_select_related = ("organization", "persona")
    search_fields = ("name", "slug", "=public_id")
    ordering = ("-created_at", "-id")
    autocomplete_fields = ("organization", "knowledge_pack")
    fieldsets = (*FIELDSETS, ("About", {"fields": OTHERS}))
    shown = (
        "public_id",
        "slug",
        "live_version",
        "draft_version",
        "revision",
        "optimization_status",
        "optimization_metadata",
        "created_by_user",
        "updated_by_user",
        "created_at",
        "updated_at",
        "deleted_at",
    )

    def get_fieldsets(self, request, obj=None):
        more = (("Facts", {"fields": self.shown}),) if obj else ()
        return self.fieldsets + more

    def get_readonly_fields(self, request, obj=None):
        return ("organization", *self.shown) if obj else ()

    def has_change_permission(self, request, obj=None):
        """A deleted agent is restored first."""
        allowed = super().has_change_permission(request, obj)
        return allowed and not (obj and obj.is_deleted)

    def save_model(self, request, obj, form, change):
        if change:
            agent = update_agent(
                agent=obj,
                actor=request.user,
                changes=form.wishes(),
                if_match=form.cleaned_data["etag"],
                replace=True,
                note="Edited by an operator",
            )
        else:
            agent, _ = create_agent(
                organization=form.cleaned_data["organization"],
                created_by=request.user,
                **form.wishes(),
            )
        obj.__dict__.update(agent.__dict__)

    def remove(self, request, obj):
        delete_agent(agent=obj, actor=request.user)

    def bring_back(self, request, obj):
        restore_agent(agent=obj, actor=request.user)


@admin.register(AgentVersion)
class AgentVersionAdmin(ReadOnlyAdmin):
    list_display = ("agent", "number", "origin", "author", "note", "created_at")
    list_filter = ("origin", "created_at")
    list_select_related = ("agent", "author")
    search_fields = ("agent__name", "=agent__public_id")
    ordering = ("-created_at", "-id")


@admin.register(OptimizationRun)
class OptimizationRunAdmin(ReadOnlyAdmin):
    list_display = (
        "agent",
        "status",
        "outcome",
        "provider",
        "attempt",
        "created_at",
        "finished_at",
    )
    list_filter = ("status", "outcome")
    list_select_related = ("agent",)
    search_fields = ("agent__name", "=agent__public_id")
    ordering = ("-created_at", "-id")


@admin.register(Persona)
class PersonaAdmin(OperatorAdmin):
    """The built-in personas are only read: their one definition is in the code."""

    list_display = ("name", "key", "domain", "organization", "updated_at")
    list_filter = ("domain", ("organization", admin.EmptyFieldListFilter))
    list_select_related = ("organization",)
    search_fields = ("name", "key")
    ordering = ("name", "id")
    autocomplete_fields = ("organization",)
    fields = (
        "organization",
        "key",
        "name",
        "domain",
        "system_prompt",
        "tactics",
        "created_at",
        "updated_at",
    )

    def get_readonly_fields(self, request, obj=None):
        mine = ("organization", "key") if obj else ()
        return ("created_at", "updated_at", *mine)

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        if "organization" in form.base_fields:
            form.base_fields["organization"].required = True
        return form

    def has_change_permission(self, request, obj=None):
        is_built_in = obj is not None and obj.organization_id is None
        return super().has_change_permission(request, obj) and not is_built_in

    def has_delete_permission(self, request, obj=None):
        is_built_in = obj is not None and obj.organization_id is None
        return super().has_delete_permission(request, obj) and not is_built_in
