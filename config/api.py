"""The whole API on one page."""

from django.urls import re_path
from rest_framework.routers import SimpleRouter

from accounts.api.api_keys import KeyViewSet
from accounts.api.members import InvitationViewSet, MemberViewSet
from accounts.api.organizations import OrganizationsViewSet
from accounts.api.privacy import VisitorViewSet, account_urlpatterns
from accounts.api.webhooks import WebhookViewSet
from agents.api.agent_templates import ReadyViewSet
from agents.api.agents import AgentViewSet, PersonaViewSet
from agents.api.canned_replies import CannedReplyViewSet
from agents.api.completions import openai_urlpatterns
from agents.api.custody import CustodyRunViewSet, CustodyTestViewSet
from agents.api.documents import DocumentViewSet
from agents.api.inbox import InboxViewSet, inbox_urlpatterns
from agents.api.knowledge_packs import KnowledgePackViewSet
from agents.api.knowledge_sources import KnowledgeSourceViewSet
from agents.api.providers import ProviderViewSet
from agents.api.retention import retention_urlpatterns
from agents.api.sessions import SessionViewSet, TagViewSet, stream_urlpatterns
from agents.api.usage import UsageViewSet
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
