"""What operators watch: the figures of this installation, as JSON and as a page."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import re_path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models.api_keys import Scope
from config.health import report
from config.measures import measures


class MaySeeOperations(BasePermission):
    """Staff, and programs that may do everything; never a key for one agent."""

    message = "Only operators may see this."

    def has_permission(self, request, view):
        if request.auth is None:
            return False
        key = request.auth.api_key
        if key is None:
            return request.user.is_staff
        may = request.user.is_staff or key.has_scope(Scope.ADMIN)
        return may and not request.auth.bound_agent


class OperationsView(APIView):
    """Figures of the process that answers, and of all answers of 15 minutes."""

    permission_classes = [MaySeeOperations]

    @extend_schema(responses=OpenApiTypes.OBJECT, tags=["operations"])
    def get(self, request):
        return Response(measures.report(), headers={"Cache-Control": "no-store"})


@never_cache
@require_safe
@login_required
def health_page(request: HttpRequest) -> HttpResponse:
    """Show operators what /health says, the pool and the figures."""
    if not request.user.is_staff:
        raise PermissionDenied
    context = {"health": report(), "figures": measures.report()}
    return render(request, "operations/health.html", context)


urlpatterns = [
    re_path(r"^api/v1/ops/metrics/?\Z", OperationsView.as_view(), name="ops-metrics"),
    re_path(r"^dashboard/health/?\Z", health_page, name="dashboard-health"),
]
