from django.urls import path

from accounts.entrance_urls import later
from accounts.views import account as account_views
from accounts.views import api_keys as views
from accounts.views import audit as audit_views
from accounts.views import members as members_views
from accounts.views import my_data as my_data_views
from accounts.views import organizations as organization_views
from accounts.views import webhooks as webhook_views
from accounts.views.access import person_page

app_name = "accounts"

urlpatterns = [
    path("account/", account_views.account, name="account"),
    path("account/sessions/end/", account_views.end_others, name="end_other_sessions"),
    path(
        "account/sessions/<uuid:session_id>/end/",
        account_views.end,
        name="end_session",
    ),
    path(
        "account/providers/<slug:provider_id>/connect/",
        person_page(later("accounts.views.sign_in_providers.connect")),
        name="connect_provider",
    ),
    path(
        "account/providers/<int:identity_id>/disconnect/",
        person_page(later("accounts.views.sign_in_providers.disconnect")),
        name="disconnect_provider",
    ),
    path("setup/", later("accounts.views.sign_in.setup"), name="setup"),
    path("api-keys/", views.api_keys, name="api_keys"),
    path("api-keys/<uuid:key_id>/revoke/", views.revoke_key, name="revoke_api_key"),
    path("api-keys/<uuid:key_id>/rotate/", views.rotate_key, name="rotate_api_key"),
    path("api-keys/<uuid:key_id>/restore/", views.restore_key, name="restore_api_key"),
    path("organization/", views.switch_organization, name="switch_organization"),
    path("organizations/", organization_views.organizations, name="organizations"),
    path(
        "organizations/<int:organization_id>/restore/",
        organization_views.restore,
        name="restore_organization",
    ),
    path("organization/settings/", organization_views.settings_page, name="settings"),
    path("organization/export/", organization_views.export, name="export_organization"),
    path("organization/delete/", organization_views.delete, name="delete_organization"),
    path("organization/visitor/", organization_views.visitor, name="visitor"),
    path("account/data/", my_data_views.my_data, name="my_data"),
    path("account/export/", my_data_views.export, name="export_account"),
    path("account/close/", my_data_views.close, name="close_account"),
    path("audit/", audit_views.log, name="audit"),
    path("audit/export.csv", audit_views.export, name="audit_export"),
    path("members/", members_views.members, name="members"),
    path(
        "members/<uuid:user_id>/role/", members_views.change_member, name="change_role"
    ),
    path(
        "members/<uuid:user_id>/transfer/",
        members_views.transfer,
        name="transfer_ownership",
    ),
    path("members/<uuid:user_id>/remove/", members_views.remove, name="remove_member"),
    path(
        "invitations/<uuid:invitation_id>/withdraw/",
        members_views.withdraw_invitation,
        name="withdraw_invitation",
    ),
    path("webhooks/", webhook_views.webhooks, name="webhooks"),
    path("webhooks/<uuid:webhook_id>/", webhook_views.webhook, name="webhook"),
    path(
        "webhooks/<uuid:webhook_id>/rotate/",
        webhook_views.rotate,
        name="rotate_webhook",
    ),
    path(
        "webhooks/<uuid:webhook_id>/switch/",
        webhook_views.switch,
        name="switch_webhook",
    ),
    path(
        "webhooks/<uuid:webhook_id>/delete/",
        webhook_views.remove,
        name="delete_webhook",
    ),
    path("webhooks/<uuid:webhook_id>/test/", webhook_views.test, name="test_webhook"),
    path(
        "webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/",
        webhook_views.delivery,
        name="webhook_delivery",
    ),
    path(
        "webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay/",
        webhook_views.replay,
        name="replay_webhook",
    ),
    path("join/<slug:token>/", members_views.invitation, name="invitation"),
]
