from django.urls import path

from metrics import views

app_name = "metrics"

AGENT_TYPE = "metrics/<slug:agent_type>/"

urlpatterns = [
    path("metrics/", views.overview, name="overview"),
    path("metrics/scoreboards.csv", views.export, name="export"),
    path(AGENT_TYPE, views.portrait, name="portrait"),
    path(f"{AGENT_TYPE}ledger.csv", views.export_ledger, name="export_ledger"),
    path(f"{AGENT_TYPE}record/", views.record, name="record"),
    path(f"{AGENT_TYPE}reset/", views.reset, name="reset"),
]
