"""The whole API on one page."""

from django.urls import re_path
from rest_framework.routers import SimpleRouter

from accounts.organizations_api import OrganizationsViewSet
from accounts.privacy_api import VisitorViewSet, account_urlpatterns
from accounts.viewsets import InvitationViewSet, KeyViewSet, MemberViewSet
from accounts.webhooks_api import WebhookViewSet
from agents.api_canned import CannedReplyViewSet
from agents.api_completions import openai_urlpatterns
from agents.api_custody import CustodyRunViewSet, CustodyTestViewSet
from agents.api_documents import DocumentViewSet
from agents.api_inbox import InboxViewSet, inbox_urlpatterns
from agents.api_knowledge import KnowledgePackViewSet
from agents.api_providers import ProviderViewSet
from agents.api_retention import retention_urlpatterns
from agents.api_sessions import SessionViewSet, TagViewSet, stream_urlpatterns
from agents.api_sources import KnowledgeSourceViewSet
from agents.api_usage import UsageViewSet
from agents.gallery.api import ReadyViewSet
from agents.viewsets import AgentViewSet, PersonaViewSet
from metrics.viewsets import AgentMetricsViewSet, moved_custody_analytics

router = SimpleRouter()
# Every path is answered with and without its last slash, never by a redirect,
# which would lose a POST's body. The constructor would ignore this value.
router.trailing_slash = "/?"
# First what programs ask most: paths are tried in this order.
router.register("api/v1/agents", AgentViewSet, "agent")
router.register("api/v1/organizations", OrganizationsViewSet, "organization")
router.register("api/v1/members", MemberViewSet, "member")
router.register("api/v1/invitations", InvitationViewSet, "invitation")
router.register("api/v1/visitors", VisitorViewSet, "visitor")
router.register("api/v1/api-keys", KeyViewSet, "api-key")
router.register("api/v1/webhooks", WebhookViewSet, "webhook")
router.register("api/v1/providers", ProviderViewSet, "provider")
router.register("api/v1/custody-tests", CustodyTestViewSet, "custody-test")
router.register("api/v1/custody-runs", CustodyRunViewSet, "custody-run")
router.register("api/v1/templates", ReadyViewSet, "template")
router.register("api/v1/personas", PersonaViewSet, "persona")
router.register("api/v1/knowledge-packs", KnowledgePackViewSet, "knowledge-pack")
router.register("api/v1/knowledge-sources", KnowledgeSourceViewSet, "knowledge-source")
router.register("api/v1/documents", DocumentViewSet, "document")
router.register("api/v1/sessions", SessionViewSet, "session")
router.register("api/v1/tags", TagViewSet, "tag")
router.register("api/v1/inbox", InboxViewSet, "inbox")
router.register("api/v1/canned-replies", CannedReplyViewSet, "canned-reply")
router.register("api/v1/usage", UsageViewSet, "usage")
router.register("api/agent-metrics", AgentMetricsViewSet, "agent-metrics")

urlpatterns = [
    *account_urlpatterns,
    *stream_urlpatterns,
    *inbox_urlpatterns,
    *openai_urlpatterns,
    *retention_urlpatterns,
    *router.urls,
    re_path(r"^api/custody/analytics/?\Z", moved_custody_analytics),
]
