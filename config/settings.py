"""Every setting, read from the environment (and `.env`) once."""

import gc
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import embedded, sign_in
from config.database import database_config, pool_settings, replica_config
from config.environment import Environment, log_level, read_dotenv
from config.logs import logging_config
from config.static import add_headers

# What is imported from here on stays; `config.apps` calls the collector back, which
# looking for garbage in it would be a quarter of each process's start.
gc.disable()

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

env = Environment()
read_dotenv()

DEBUG = env.bool("DEBUG", False)
DATA_DIR = Path(env("DATA_DIR", default="") or BASE_DIR / ".data")


def _secret_key() -> str:
    """Take the key from the environment, else the one `bin/up` made for itself."""
    if key := env("SECRET_KEY", default=""):
        return key
    kept = DATA_DIR / "secret_key"
    if kept.is_file():
        return kept.read_text().strip()
    if DEBUG:
        return "debug-only-" * 6
    raise ImproperlyConfigured("SECRET_KEY is not set.")


SECRET_KEY = _secret_key()
if not DEBUG and (len(SECRET_KEY) < 50 or SECRET_KEY.startswith("debug-only-")):
    raise ImproperlyConfigured("SECRET_KEY must be random and 50 characters or more.")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# --- Where we are reached ---------------------------------------------------
PUBLIC_BASE_URL = env("PUBLIC_BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
_public = urlsplit(PUBLIC_BASE_URL)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[_public.hostname or "", "localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_BASE_URL])
IS_HTTPS = _public.scheme == "https"
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0)

# --- Applications -----------------------------------------------------------
INSTALLED_APPS = [
    "config.apps.Config",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "config.apps.Admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "django_htmx",
    "django_cotton",
    "django_structlog",
    "csp",
    "accounts",
    "metrics",
    "agents",
    "widget",
]
MIDDLEWARE = [
    "config.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.sign_in.browser_sessions.PresenceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.views.access.current_organization",
            ],
        },
    }
]
COTTON_DIR = "components"

# --- Database, Redis, Celery ------------------------------------------------
DATABASE_URL = env("DATABASE_URL", default="") or embedded.database_url(DATA_DIR)
REDIS_URL = env("REDIS_URL", default="") or embedded.redis_url(DATA_DIR)
DATABASES = {"default": database_config(DATABASE_URL, **pool_settings(env.ENVIRON))}
# Nobody waits longer for another's lock: the answer is then 409, try again.
DATABASES["default"]["OPTIONS"].setdefault("options", "-c lock_timeout=2s")
if replica_url := env("DATABASE_REPLICA_URL", default=""):
    DATABASES["replica"] = replica_config(replica_url, **pool_settings(env.ENVIRON))
    DATABASE_ROUTERS = ["config.routers.ReplicaRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# How many jobs of each queue's workers run at once, as the Procfile starts them.
PLACES = {
    "work": env.int("WORKER_CONCURRENCY", 2),
    "io": env.int("IO_CONCURRENCY", 8),
    "replies": env.int("REPLIES_CONCURRENCY", 16),
}
CACHES = {
    "default": {
        "BACKEND": "config.cache.SteadyRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "ya",
        "OPTIONS": {"pool_class": "accounts.outbound.redis_pool.RestingPool"},
    }
}
# How many seconds what is read all the time is remembered at most; 0: not at all.
# What changes is forgotten at once.
CACHE_TTL_AGENT = env.int("CACHE_TTL_AGENT", 300)
CACHE_TTL_ORG = env.int("CACHE_TTL_ORG", 900)
CACHE_TTL_PERMISSIONS = env.int("CACHE_TTL_PERMISSIONS", 300)

# --- Identity ---------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_ADAPTER = "accounts.sign_in.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# By a code: it proves that who asked for it reads the mail, which a link does not.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
# One address an account: a new one takes the old one's place.
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
# What changes how one signs in asks once more who it is.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
# Guesses and mails are counted for account and address together (accounts.guesses).
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/m/ip",
    "reset_password": "20/m/ip",
    "confirm_email": "1/10s/key,10/h/key",
}
MFA_ADAPTER = "accounts.sign_in.second_factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "YourAgent"
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "accounts.sign_in.second_factor_forms.CodeForm",
    "reauthenticate": "accounts.sign_in.second_factor_forms.CodeAgainForm",
    "activate_totp": "accounts.sign_in.second_factor_forms.AppForm",
    "authenticate_webauthn": "accounts.sign_in.second_factor_forms.PasskeyForm",
    "reauthenticate_webauthn": "accounts.sign_in.second_factor_forms.PasskeyAgainForm",
    "login_webauthn": "accounts.sign_in.second_factor_forms.PasskeyAloneForm",
    "add_webauthn": "accounts.sign_in.second_factor_forms.AddPasskeyForm",
    "edit_webauthn": "accounts.sign_in.second_factor_forms.RenamePasskeyForm",
}
# Whether operators need a second step to open /admin/; without it they are asked to.
ADMIN_REQUIRES_MFA = env.bool("ADMIN_REQUIRES_MFA", False)
SOCIALACCOUNT_ADAPTER = "accounts.sign_in.adapter.ProviderAdapter"
SOCIALACCOUNT_PROVIDERS = sign_in.providers(env)
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_STORE_TOKENS = False
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
EMAIL_BACKEND = env(
    "EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend"
)
EMAIL_TIMEOUT = 10  # seconds: a worker's thread waits for it
if email_url := env("EMAIL_URL", default=""):
    globals().update(env.email_url_config(email_url))
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="YourAgent <agent@localhost>")

# --- Security ---------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", IS_HTTPS)
# Load balancers ask over plain http.
SECURE_REDIRECT_EXEMPT = [r"^health"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000 if IS_HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
if env.bool("TRUST_X_FORWARDED_PROTO", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- Serving ----------------------------------------------------------------
# Threads of one web process: fewer than its pool may have connections.
WEB_THREADS = env.int("WEB_THREADS", 8)
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", 64 * 2**20)

# --- REST -------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.access.authentication.ApiKeyAuthentication",
        "accounts.access.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.access.permissions.MayDo"],
    "DEFAULT_RENDERER_CLASSES": ["config.rest.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.rest.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "config.pagination.LimitOffsetOrCursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "config.schema.AutoSchema",
    "EXCEPTION_HANDLER": "config.rest.problem_response",
    "UNAUTHENTICATED_USER": None,
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "YourAgent API",
    "DESCRIPTION": "Create agents, teach them, talk with them, and measure them.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/(v1/)?",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "ENUM_NAME_OVERRIDES": {
        "AgentMetricsStatus": "metrics.models.Status",
        "Role": "accounts.models.organizations.Role",
        "MessageRole": "agents.models.sessions.MessageRole",
        "SessionStatus": "agents.models.sessions.SessionStatus",
        "WorkStatus": "accounts.models.lifecycle.WorkStatus",
        "ProviderKind": "agents.models.providers.ProviderKind",
        "CustodyKind": "agents.models.custody.CustodyKind",
        "Difficulty": "metrics.models.Difficulty",
        "PageState": "agents.models.sources.PageState",
        "VectorStoreStatus": "agents.models.knowledge.VectorStoreStatus",
        "WidgetMode": "agents.models.agents.WidgetMode",
        "OfferedWidgetMode": ["public"],
    },
}

UNFOLD = {
    "SITE_TITLE": "YourAgent",
    "SITE_HEADER": "YourAgent",
    "SITE_SUBHEADER": "Operations",
    "SITE_ICON": "config.admin_site.icon",
    "SITE_FAVICONS": [{"rel": "icon", "href": "config.admin_site.icon"}],
    "STYLES": ["config.admin_site.style"],
    "SCRIPTS": ["config.admin_site.script"],
    "SIDEBAR": {
        "show_search": True,
        "navigation": "config.admin_site.navigation",
    },
}

# --- Static files -----------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.static.HashedStaticFiles"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
# For names without a hash, the widget's loader above all.
WHITENOISE_MAX_AGE = 300
WHITENOISE_ADD_HEADERS_FUNCTION = add_headers

# --- Time and language ------------------------------------------------------
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# --- Logs -------------------------------------------------------------------
LOG_LEVEL = log_level(env("LOG_LEVEL", default="info"))
DB_ECHO_SQL = env.bool("DB_ECHO_SQL", False)
LOGGING = logging_config(LOG_LEVEL, echo_sql=DB_ECHO_SQL)
# Tasks carry the id of the request that sent them; the middleware is our own.
DJANGO_STRUCTLOG_CELERY_ENABLED = True

# --- The product ------------------------------------------------------------
# How long a visitor's session lasts at most, however often it is renewed.
WIDGET_SESSION_SECONDS = env.int("WIDGET_SESSION_SECONDS", 86_400)
# Requests an hour of an API key, by its tier.
API_RATE_LIMITS = {
    "free": env.int("RATE_LIMIT_FREE", 100),
    "pro": env.int("RATE_LIMIT_PRO", 1_000),
    "enterprise": env.int("RATE_LIMIT_ENTERPRISE", 10_000),
}
# How long an invitation's link works.
INVITATION_DAYS = env.int("INVITATION_DAYS", 7)
# How long deleted people and organizations may come back; -1 keeps them for ever.
ERASE_AFTER_DAYS = env.int("ERASE_AFTER_DAYS", 30)
# Networks that webhooks and crawls may reach although they are not public.
OUTBOUND_ALLOWED_NETWORKS = env.list("OUTBOUND_ALLOWED_NETWORKS", default=[])
try:
    OUTBOUND_ALLOWED_NETWORKS = [ip_network(one) for one in OUTBOUND_ALLOWED_NETWORKS]
except ValueError as error:
    raise ImproperlyConfigured(f"OUTBOUND_ALLOWED_NETWORKS: {error}") from None
# How long the log keeps what was delivered, or given up.
WEBHOOK_LOG_DAYS = env.int("WEBHOOK_LOG_DAYS", 30)
# An account of the installation's at a model's maker; organizations add their own.
LLM_BASE_URL = env("LLM_BASE_URL", default="").rstrip("/")
LLM_API_KEY = env("LLM_API_KEY", default="")
LLM_MODEL = env("LLM_MODEL", default="grounded")
LLM_SILENCE_SECONDS = env.int("LLM_SILENCE_SECONDS", 30)
if LLM_BASE_URL and LLM_MODEL == "grounded":
    raise ImproperlyConfigured("LLM_BASE_URL needs LLM_MODEL: which one to ask for.")
# The largest file that becomes a document.
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", 20 * 2**20)
# How long a crawl waits from one page of a site to the next, at least.
CRAWL_DELAY_SECONDS = env.float("CRAWL_DELAY_SECONDS", 1.0)
# Who makes vectors where no provider does: wordllama, hashing, or (auto) the first
# where it is installed and knows the language.
EMBEDDINGS = env("EMBEDDINGS", default="auto")
if EMBEDDINGS not in {"auto", "wordllama", "hashing"}:
    raise ImproperlyConfigured("EMBEDDINGS must be auto, wordllama or hashing.")
# A provider may be silent for less than the lease, and speak for the deadline.
REPLY_LEASE_SECONDS = env.int("REPLY_LEASE_SECONDS", 30)
REPLY_DEADLINE_SECONDS = env.int("REPLY_DEADLINE_SECONDS", 120)
# Answers composed from documents are done at once; they are spoken at this pace.
GROUNDED_TOKEN_DELAY_MS = env.int("GROUNDED_TOKEN_DELAY_MS", 15)
AUDIT_ANCHOR = Path(env("AUDIT_ANCHOR", default="") or DATA_DIR / "audit-anchor.log")
# The agent types `manage.py migrate_agent_metrics` opens scoreboards for.
METRICS_DEFAULT_TYPES = env.list(
    "METRICS_DEFAULT_TYPES", default=["imperium", "guardian", "sandbox", "conquest"]
)
METRICS_DEFAULT_XP_AWARD = env.int("METRICS_DEFAULT_XP_AWARD", 25)
METRICS_CUSTODY_XP_PER_LEVEL = env.int("METRICS_CUSTODY_XP_PER_LEVEL", 100)
METRICS_XP_PER_LEVEL = env.int("METRICS_XP_PER_LEVEL", 250)
METRICS_PRESTIGE_EVERY = env.int("METRICS_PRESTIGE_EVERY", 50)
MAX_TEST_HISTORY_SIZE = env.int("MAX_TEST_HISTORY_SIZE", 50)
MAX_LEARNING_PATTERNS_SIZE = env.int("MAX_LEARNING_PATTERNS_SIZE", 100)
MAX_IMPROVEMENT_SUGGESTIONS_SIZE = env.int("MAX_IMPROVEMENT_SUGGESTIONS_SIZE", 50)
