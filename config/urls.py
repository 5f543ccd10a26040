from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config import api, docs, health, operations

handler400 = "config.errors.bad_request"
handler500 = "config.errors.server_error"

urlpatterns = [
    *health.urlpatterns,
    path("", include((api.urlpatterns, "api"))),
    *operations.urlpatterns,
    *docs.urlpatterns,
    path("accounts/", include("accounts.sign_in.urls")),
    path("admin/", admin.site.urls),
    path("", include("widget.urls")),
    path("", include("accounts.urls")),
    path("", include("metrics.urls")),
    path("", include("agents.urls")),
    path("", RedirectView.as_view(pattern_name="agents:list"), name="home"),
]
