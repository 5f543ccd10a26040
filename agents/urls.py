from django.urls import path

from agents.views import (
    agents,
    conversations,
    custody,
    import_export,
    inbox,
    inbox_settings,
    knowledge,
    knowledge_sources,
    providers,
    usage,
)

app_name = "agents"

AGENT = "agents/<uuid:public_id>/"
TALK = f"{AGENT}conversations/<uuid:session_id>/"
PACK = "knowledge/<uuid:pack_id>/"
SITE = f"{PACK}sites/<uuid:source_id>/"
DOCUMENT = f"{PACK}documents/<uuid:document_id>/"


def exports(prefix, view, name):
    """Offer a view's rows in each form there is."""
    return [
        path(f"{prefix}export.{kind}", view, {"kind": kind}, name=f"{name}_{kind}")
        for kind in ("csv", "json")
    ]


INBOX = "inbox/<uuid:session_id>/"

urlpatterns = [
    path("agents/", agents.agent_list, name="list"),
    path("agents/new/", agents.create, name="create"),
    path("agents/import/", import_export.import_page, name="import"),
    path("agents/templates/", import_export.templates, name="templates"),
    path("agents/templates/<slug:key>/", import_export.template, name="template"),
    path("agents/search/", agents.search, name="search"),
    path(AGENT, agents.detail, name="detail"),
    path(f"{AGENT}optimization/", agents.optimization, name="optimization"),
    path(f"{AGENT}export/", import_export.export, name="export"),
    path(f"{AGENT}edit/", agents.edit, name="edit"),
    path(f"{AGENT}delete/", agents.delete, name="delete"),
    path(f"{AGENT}restore/", agents.restore, name="restore"),
    path(f"{AGENT}duplicate/", agents.duplicate, name="duplicate"),
    path(f"{AGENT}release/", agents.release, name="release"),
    path(f"{AGENT}versions/<int:number>/", agents.use_version, name="use_version"),
    path("conversations/", conversations.all_conversations, name="all_conversations"),
    path("conversations/keeping/", conversations.keep, name="retention"),
    *exports("conversations/", conversations.export_all, "export_all"),
    path(f"{AGENT}conversations/", conversations.conversations, name="conversations"),
    *exports(f"{AGENT}conversations/", conversations.export_conversations, "export"),
    path(TALK, conversations.conversation, name="conversation"),
    *exports(TALK, conversations.export_one, "export_one"),
    path(f"{TALK}delete/", conversations.delete, name="delete_conversation"),
    path(f"{TALK}stop/", conversations.stop, name="stop"),
    path(f"{TALK}<uuid:message_id>/rating/", conversations.rate, name="rate"),
    path(
        f"{TALK}<uuid:message_id>/regenerate/",
        conversations.regenerate,
        name="regenerate",
    ),
    path(f"{TALK}tags/", conversations.add_tag, name="add_tag"),
    path(
        f"{TALK}tags/<uuid:tag_id>/delete/",
        conversations.remove_tag,
        name="remove_tag",
    ),
    path(f"{AGENT}try/", conversations.try_agent, name="try"),
    path(f"{AGENT}tests/", custody.tests, name="tests"),
    path(f"{AGENT}tests/new/", custody.new_test, name="new_test"),
    path(f"{AGENT}tests/<uuid:test_id>/", custody.edit_test, name="edit_test"),
    path(
        f"{AGENT}tests/<uuid:test_id>/delete/", custody.delete_test, name="delete_test"
    ),
    path(f"{AGENT}runs/<uuid:run_id>/", custody.run, name="run"),
    path("models/", providers.accounts, name="models"),
    path("models/<uuid:account_id>/", providers.account, name="model_account"),
    path("models/<uuid:account_id>/test/", providers.test, name="test_model_account"),
    path(
        "models/<uuid:account_id>/default/",
        providers.make_default,
        name="default_model_account",
    ),
    path(
        "models/<uuid:account_id>/delete/",
        providers.remove,
        name="delete_model_account",
    ),
    path("inbox/", inbox.inbox_list, name="inbox"),
    path("inbox/threads/", inbox.threads, name="inbox_threads"),
    path("inbox/badge/", inbox.badge, name="inbox_badge"),
    path("inbox/replies/", inbox_settings.canned_list, name="canned"),
    path(
        "inbox/replies/<uuid:reply_id>/", inbox_settings.canned_edit, name="canned_edit"
    ),
    path(
        "inbox/replies/<uuid:reply_id>/delete/",
        inbox_settings.canned_delete,
        name="canned_delete",
    ),
    path("inbox/preferences/", inbox_settings.preferences, name="inbox_preferences"),
    path(INBOX, inbox.inbox_conversation, name="inbox_conversation"),
    path(f"{INBOX}talk/", inbox.talk, name="inbox_talk"),
    path(f"{INBOX}canned/", inbox.canned_choices, name="inbox_canned"),
    path(f"{INBOX}take/", inbox.take, name="inbox_take"),
    path(f"{INBOX}hand-back/", inbox.hand_back, name="inbox_hand_back"),
    path(f"{INBOX}close/", inbox.close, name="inbox_close"),
    path(f"{INBOX}assign/", inbox.assign, name="inbox_assign"),
    path(f"{INBOX}say/", inbox.say, name="inbox_say"),
    path(
        f"{INBOX}notes/<uuid:note_id>/delete/",
        inbox.delete_note,
        name="inbox_delete_note",
    ),
    path("usage/", usage.overview, name="usage"),
    path("usage/export/", usage.export, name="usage_export"),
    path(f"{AGENT}caps/", usage.caps, name="caps"),
    path("knowledge/", knowledge.knowledge_list, name="knowledge_list"),
    path(PACK, knowledge.knowledge_detail, name="knowledge_detail"),
    path(f"{PACK}files/", knowledge.upload, name="upload"),
    path(f"{PACK}search/", knowledge.retrieval, name="knowledge_search"),
    path(f"{PACK}documents/", knowledge.documents, name="knowledge_documents"),
    path(f"{PACK}sites/", knowledge_sources.sites, name="knowledge_sites"),
    path(SITE, knowledge_sources.site, name="knowledge_site"),
    path(f"{SITE}pages/", knowledge_sources.site_pages, name="site_pages"),
    path(f"{SITE}crawl/", knowledge_sources.crawl_site, name="crawl_site"),
    path(f"{SITE}delete/", knowledge_sources.remove_site, name="delete_site"),
    path(DOCUMENT, knowledge.document, name="knowledge_document"),
    path(f"{DOCUMENT}file/", knowledge.document_file, name="document_file"),
    path(f"{DOCUMENT}again/", knowledge.retry_document, name="retry_document"),
    path(f"{DOCUMENT}delete/", knowledge.remove_document, name="delete_document"),
]
