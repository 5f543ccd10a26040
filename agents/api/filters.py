from django.db.models import Q
from django_filters import CharFilter, ChoiceFilter, OrderingFilter, UUIDFilter

from accounts.api.fields import MomentFilter, StrictBooleanFilter, StrictFilterSet
from accounts.errors import Invalid
from agents.conversations.listing import rated, tagged
from agents.conversations.search import LONGEST, saying
from agents.models.agents import Agent, OptimizationStatus
from agents.models.feedback import RatingValue
from agents.models.personas import Persona
from agents.models.sessions import Channel, Session, SessionStatus


class AgentFilter(StrictFilterSet):
    name = CharFilter(lookup_expr="icontains", help_text="Part of the name")
    search = CharFilter(method="seek", help_text="Part of name, description or slug")
    persona = CharFilter(method="of_persona", help_text="A persona's key")
    is_active = StrictBooleanFilter()
    optimization_status = ChoiceFilter(choices=OptimizationStatus.choices)
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")
    ordering = OrderingFilter(fields=("created_at", "updated_at", "name"))

    class Meta:
        model = Agent
        fields = ()

    def of_persona(self, queryset, name, value):
        view = self.request.parser_context["view"]
        known = Persona.objects.available_to(view.organization).filter(key=value)
        if not known.exists():
            raise Invalid("There is no such persona.", pointer="/persona")
        return queryset.filter(persona__key=value)

    def seek(self, queryset, name, value):
        return queryset.filter(
            Q(name__icontains=value)
            | Q(description__icontains=value)
            | Q(slug__icontains=value)
        )

    def filter_queryset(self, queryset):
        queryset = super().filter_queryset(queryset)
        # Rows that compare equal must not change places between pages.
        order = queryset.query.order_by
        return queryset.order_by(*order, "-id") if order else queryset.newest_first()


class SessionFilter(StrictFilterSet):
    agent = UUIDFilter(field_name="agent_ref__public_id")
    status = ChoiceFilter(choices=SessionStatus.choices)
    channel = ChoiceFilter(choices=Channel.choices)
    visitor_id = CharFilter()
    tag = CharFilter(method="bears", help_text="A tag's name")
    rating = ChoiceFilter(
        choices=RatingValue.choices,
        method="is_rated",
        help_text="Somebody rated an answer so",
    )
    search = CharFilter(
        method="says",
        max_length=LONGEST,
        help_text='Words that were said, or a "phrase"',
    )
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")
    active_after = MomentFilter(field_name="last_activity_at", lookup_expr="gte")
    active_before = MomentFilter(field_name="last_activity_at", lookup_expr="lt")

    class Meta:
        model = Session
        fields = ()

    def bears(self, queryset, name, value):
        return tagged(queryset, value)

    def is_rated(self, queryset, name, value):
        return rated(queryset, value)

    def says(self, queryset, name, value):
        return saying(queryset, value)
