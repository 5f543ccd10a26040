from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone

from accounts.models.lifecycle import new_id
from accounts.models.users import User

# The first that is found counts: most browsers also name those they resemble.
BROWSERS = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
]
SYSTEMS = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
]


class BrowserSessionQuerySet(models.QuerySet):
    def open_for(self, user: User):
        """Where a person is signed in now, most recently seen first.

        What was opened before the password changed counts no more.
        """
        return self.filter(
            user=user,
            stamp=user.session_stamp(),
            session__expire_date__gt=timezone.now(),
        ).order_by("-last_seen_at", "-id")


class BrowserSession(models.Model):
    """A browser somebody is signed in with. It goes with the session it describes."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="browser_sessions"
    )
    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, related_name="browser_session"
    )
    # Which password and which sign-out it belongs to, as `User.session_stamp` says.
    stamp = models.CharField(max_length=32)
    ip_address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)

    objects = BrowserSessionQuerySet.as_manager()

    class Meta:
        db_table = "browser_sessions"
        indexes = [
            models.Index(
                fields=["user", "-last_seen_at"], name="ix_browser_sessions_user_seen"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.ip_address}"

    @property
    def device(self) -> str:
        """What the browser says it is, in two or three words."""
        browser = next((name for part, name in BROWSERS if part in self.user_agent), "")
        system = next((name for part, name in SYSTEMS if part in self.user_agent), "")
        if browser and system:
            return f"{browser} on {system}"
        return browser or system or "Unknown device"
