from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("api-keys/", views.api_keys, name="api_keys"),
    path("api-keys/<uuid:key_id>/revoke/", views.revoke_key, name="revoke_api_key"),
    path("organization/", views.switch_organization, name="switch_organization"),
]
