from django.urls import path

from accounts.sign_in.urls import later
from accounts.views import (
    account,
    api_keys,
    audit,
    members,
    my_data,
    organizations,
    webhooks,
)
from accounts.views.access import person_page

app_name = "accounts"

urlpatterns = [
    path("account/", account.account, name="account"),
    path("account/sessions/end/", account.end_others, name="end_other_sessions"),
    path(
        "account/sessions/<uuid:session_id>/end/",
        account.end,
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
    path("api-keys/", api_keys.api_keys, name="api_keys"),
    path("api-keys/<uuid:key_id>/revoke/", api_keys.revoke_key, name="revoke_api_key"),
    path("api-keys/<uuid:key_id>/rotate/", api_keys.rotate_key, name="rotate_api_key"),
    path(
        "api-keys/<uuid:key_id>/restore/", api_keys.restore_key, name="restore_api_key"
    ),
    path("organization/", api_keys.switch_organization, name="switch_organization"),
    path("organizations/", organizations.organizations, name="organizations"),
    path(
        "organizations/<int:organization_id>/restore/",
        organizations.restore,
        name="restore_organization",
    ),
    path("organization/settings/", organizations.settings_page, name="settings"),
    path("organization/export/", organizations.export, name="export_organization"),
    path("organization/delete/", organizations.delete, name="delete_organization"),
    path("organization/visitor/", organizations.visitor, name="visitor"),
    path("account/data/", my_data.my_data, name="my_data"),
    path("account/export/", my_data.export, name="export_account"),
    path("account/close/", my_data.close, name="close_account"),
    path("audit/", audit.log, name="audit"),
    path("audit/export.csv", audit.export, name="audit_export"),
    path("members/", members.members, name="members"),
    path("members/<uuid:user_id>/role/", members.change_member, name="change_role"),
    path(
        "members/<uuid:user_id>/transfer/",
        members.transfer,
        name="transfer_ownership",
    ),
    path("members/<uuid:user_id>/remove/", members.remove, name="remove_member"),
    path(
        "invitations/<uuid:invitation_id>/withdraw/",
        members.withdraw_invitation,
        name="withdraw_invitation",
    ),
    path("webhooks/", webhooks.webhooks, name="webhooks"),
    path("webhooks/<uuid:webhook_id>/", webhooks.webhook, name="webhook"),
    path(
        "webhooks/<uuid:webhook_id>/rotate/",
        webhooks.rotate,
        name="rotate_webhook",
    ),
    path(
        "webhooks/<uuid:webhook_id>/switch/",
        webhooks.switch,
        name="switch_webhook",
    ),
    path(
        "webhooks/<uuid:webhook_id>/delete/",
        webhooks.remove,
        name="delete_webhook",
    ),
    path("webhooks/<uuid:webhook_id>/test/", webhooks.test, name="test_webhook"),
    path(
        "webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/",
        webhooks.delivery,
        name="webhook_delivery",
    ),
    path(
        "webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay/",
        webhooks.replay,
        name="replay_webhook",
    ),
    path("join/<slug:token>/", members.invitation, name="invitation"),
]
