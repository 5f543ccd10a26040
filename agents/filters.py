from django.db.models import Q
from django_filters import CharFilter, ChoiceFilter, OrderingFilter

from accounts.doors import MomentFilter, StrictBooleanFilter, StrictFilterSet
from agents.models.agents import Agent, OptimizationStatus


class AgentFilter(StrictFilterSet):
    name = CharFilter(lookup_expr="icontains", help_text="Part of the name")
    search = CharFilter(method="seek", help_text="Part of name, description or slug")
    persona = CharFilter(field_name="persona__key")
    is_active = StrictBooleanFilter()
    optimization_status = ChoiceFilter(choices=OptimizationStatus.choices)
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")
    ordering = OrderingFilter(fields=("created_at", "updated_at", "name"))

    class Meta:
        model = Agent
        fields = ()

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
