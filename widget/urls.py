from django.urls import path, re_path

from widget import views

app_name = "widget"

API = "api/widget/v1"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

urlpatterns = [
    path(f"{API}/boot", views.BootView.as_view(), name="boot"),
    path(f"{API}/sessions", views.SessionsView.as_view(), name="sessions"),
    path(f"{API}/sessions/refresh", views.RefreshView.as_view(), name="refresh"),
    path(f"{API}/messages", views.MessagesView.as_view(), name="messages"),
    path(f"{API}/feedback", views.FeedbackView.as_view(), name="feedback"),
    path(f"{API}/stop", views.StopView.as_view(), name="stop"),
    path(f"{API}/regenerate", views.RegenerateView.as_view(), name="regenerate"),
    path(f"{API}/handover", views.HandoverView.as_view(), name="handover"),
    path(f"{API}/stream", views.StreamView.as_view(), name="stream"),
    re_path(f"^widget/frame/(?P<public_id>{UUID})$", views.show_frame, name="frame"),
    re_path(
        f"^widget/css/(?P<public_id>{UUID})/(?P<name>[0-9a-f]{{16}})\\.css$",
        views.show_custom_css,
        name="custom-css",
    ),
]
