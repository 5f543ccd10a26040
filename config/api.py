"""The whole API on one page."""

from rest_framework.routers import SimpleRouter

from agents.api_knowledge import DocumentViewSet, KnowledgePackViewSet
from agents.api_sessions import SessionViewSet, stream_urlpatterns
from agents.viewsets import AgentViewSet, PersonaViewSet

router = SimpleRouter()
# Every path is answered with and without its last slash, never by a redirect,
# which would lose a POST's body. The constructor would ignore this value.
router.trailing_slash = "/?"
router.register("api/v1/agents", AgentViewSet, "agent")
router.register("api/v1/personas", PersonaViewSet, "persona")
router.register("api/v1/knowledge-packs", KnowledgePackViewSet, "knowledge-pack")
router.register("api/v1/documents", DocumentViewSet, "document")
router.register("api/v1/sessions", SessionViewSet, "session")

urlpatterns = [*stream_urlpatterns, *router.urls]
