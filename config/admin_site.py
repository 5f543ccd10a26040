"""The operators' site: who gets in, how it looks, and its one exception."""

from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from accounts.sign_in import second_factors

REMINDED = "reminded_of_second_step"
# Unfold's pages are written for Alpine's full build, which evaluates attributes.
POLICY_UPDATE = {"script-src": "'unsafe-eval'"}

NAVIGATION = {
    "Who": [
        ("Organizations", "domain", "accounts_organization"),
        ("Users", "person", "accounts_user"),
        ("Memberships", "badge", "accounts_membership"),
        ("Invitations", "mail", "accounts_invitation"),
        ("Groups", "group", "auth_group"),
        ("API keys", "key", "accounts_apikey"),
        ("Browser sessions", "devices", "accounts_browsersession"),
    ],
    "Webhooks": [
        ("Webhooks", "webhook", "accounts_webhookendpoint"),
        ("Deliveries", "outbox", "accounts_webhookdelivery"),
        ("Attempts", "call_made", "accounts_webhookattempt"),
    ],
    "Agents": [
        ("Agents", "smart_toy", "agents_agent"),
        ("Personas", "theater_comedy", "agents_persona"),
        ("Versions", "history", "agents_agentversion"),
        ("Optimization runs", "auto_fix_high", "agents_optimizationrun"),
        ("Model accounts", "cable", "agents_provideraccount"),
    ],
    "Knowledge": [
        ("Knowledge packs", "library_books", "agents_knowledgepack"),
        ("Documents", "description", "agents_document"),
        ("Files", "attach_file", "agents_documentfile"),
        ("Sites", "language", "agents_knowledgesource"),
        ("Pages of sites", "web", "agents_sourcepage"),
        ("Passages", "notes", "agents_chunk"),
        ("Vectors", "hub", "agents_vectorindex"),
        ("Renewals", "refresh", "agents_renewal"),
    ],
    "Custody": [
        ("Tests", "rule", "agents_custodytest"),
        ("Runs", "play_circle", "agents_custodyrun"),
        ("Results", "fact_check", "agents_custodyresult"),
    ],
    "Usage": [
        ("Months", "calendar_month", "agents_usagemonth"),
        ("Days", "today", "agents_usageday"),
        ("Totals of agents", "functions", "agents_agentstats"),
        ("Caps of agents", "speed", "agents_agentbudget"),
        ("Reservations", "hourglass", "agents_reservation"),
    ],
    "Conversations": [
        ("Conversations", "forum", "agents_session"),
        ("Messages", "chat", "agents_message"),
        ("Replies", "reply", "agents_reply"),
        ("Summaries", "summarize", "agents_sessionsummary"),
        ("Widget sessions", "web", "widget_widgetsession"),
        ("Refresh tokens", "autorenew", "widget_refreshtoken"),
    ],
    "Score": [
        ("Agent metrics", "leaderboard", "metrics_agentmetrics"),
        ("Metric events", "receipt_long", "metrics_metricevent"),
    ],
    "Record": [
        ("Audit log", "policy", "accounts_auditlog"),
        ("Audit details", "plagiarism", "accounts_auditdetail"),
        ("Chain heads", "link", "accounts_audithead"),
        ("Audit anchor", "anchor", "accounts_auditanchor"),
    ],
}


class OperatorSite(UnfoldAdminSite):
    """Open to active superusers, who sign in where everybody does."""

    site_title = site_header = "YourAgent"
    index_title = "Operations"

    def has_permission(self, request: HttpRequest) -> bool:
        if not self.is_operator(request):
            return False
        return not settings.ADMIN_REQUIRES_MFA or second_factors.was_used(request)

    def is_operator(self, request: HttpRequest) -> bool:
        user = request.user
        return user.is_active and user.is_staff and user.is_superuser

    def admin_view(self, view, cacheable=False):
        return csp_update(POLICY_UPDATE)(super().admin_view(view, cacheable))

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """Send to the one sign-in page, where attempts are limited and recorded."""
        if self.has_permission(request):
            return redirect("admin:index")
        wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        if self.is_operator(request):
            return self.ask_for_second_step(request, wanted)
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(wanted, reverse("account_login"))

    def ask_for_second_step(self, request: HttpRequest, wanted: str) -> HttpResponse:
        """Send an operator who lacks it to where it is shown, or set up."""
        if second_factors.has_factor(request.user):
            return redirect_to_login(wanted, second_factors.where_to_show(request.user))
        messages.warning(
            request, "The administration opens with a second step: add one first."
        )
        return redirect("accounts:account")

    def index(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """Remind an operator without a second step, once a session."""
        if not request.session.get(REMINDED) and not second_factors.has_factor(
            request.user
        ):
            request.session[REMINDED] = True
            messages.warning(
                request,
                format_html(
                    'Your password alone opens all of this. <a href="{}">Add a second'
                    " step</a>.",
                    reverse("accounts:account"),
                ),
            )
        return super().index(request, extra_context)

    def logout(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """Hand the form on to the one sign-out, which records it."""
        return redirect("account_logout", preserve_request=True)

    def password_change(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        return redirect("account_change_password")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        # Colours come from our style sheet: here they would be an inline style.
        return super().each_context(request) | {"colors": None}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the rail: every model, by what it is about."""
    return [
        {
            "title": title,
            "separator": True,
            "items": [
                {
                    "title": name,
                    "icon": icon,
                    "link": reverse(f"admin:{model}_changelist"),
                }
                for name, icon, model in items
            ],
        }
        for title, items in NAVIGATION.items()
    ]


def style(request: HttpRequest) -> str:
    return static("css/admin.css")


def script(request: HttpRequest) -> str:
    return static("js/admin.js")


def icon(request: HttpRequest) -> str:
    return static("img/brand.svg")
