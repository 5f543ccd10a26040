"""The first door of an installation: a printed code makes the first owner."""

import hmac
import secrets
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from accounts.audit import log as audit
from accounts.errors import DomainError, Invalid
from accounts.models.audit import PLATFORM, AuditAction, AuditAnchor
from accounts.models.organizations import Membership
from accounts.models.users import User
from accounts.organizations.members import create_organization

# No letter or digit that is taken for another one; 60 bits.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
GROUPS, GROUP_LENGTH = 3, 4
CODE_SECONDS = 24 * 3600
MAX_TRIES = 10
CODE, TRIES = "setup:code", "setup:tries"
# One number for all processes: who makes the first owner waits for who else does.
LOCK = 7_103_318_551

_is_known = False


class AlreadySetUp(DomainError):
    status = 404
    code = "already-set-up"
    detail = "This installation has users."


class WrongCode(DomainError):
    status = 403
    code = "wrong-setup-code"
    detail = (
        "The setup code is wrong or has expired. Print a new one on the server: "
        "manage.py setup_code."
    )


class OtherDatabase(DomainError):
    status = 409
    code = "other-database"
    detail = (
        "This installation had users before, and this database has none. Check "
        "DATABASE_URL, or restore a backup."
    )


def has_users() -> bool:
    """Say whether anybody ever had an account here; asks the database until then."""
    global _is_known
    if not _is_known:
        _is_known = User.all_objects.order_by().exists()
    return _is_known


def marker() -> Path:
    """Return the file that says this data directory has had users."""
    return Path(settings.DATA_DIR) / "has-users"


def check_database() -> None:
    """Refuse a database that is not the one whose users this machine remembers.

    Raises OtherDatabase.
    """
    anchors = Path(settings.AUDIT_ANCHOR)
    is_anchored = anchors.is_file() and anchors.stat().st_size > 0
    is_ours = AuditAnchor.objects.filter(size__gt=0).exists()
    if marker().exists() or (is_anchored and not is_ours):
        raise OtherDatabase


def note_users() -> None:
    """Remember outside the database that it has users."""
    marker().parent.mkdir(parents=True, exist_ok=True)
    marker().touch(mode=0o600)


def issue_setup_code() -> str:
    """Return a new code, which replaces the one before. Raises AlreadySetUp,
    OtherDatabase.
    """
    if has_users():
        note_users()
        raise AlreadySetUp
    check_database()
    groups = (
        "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH))
        for _ in range(GROUPS)
    )
    code = "-".join(groups)
    cache.set(CODE, _hash(code), CODE_SECONDS)
    cache.set(TRIES, 0, CODE_SECONDS)
    return code


def _hash(code: str) -> str:
    plain = "".join(code.upper().split()).replace("-", "")
    return salted_hmac("accounts.setup", plain, algorithm="sha256").hexdigest()


def check_code(code: str) -> None:
    """Count a try. Raises WrongCode, also for the right one after ten wrong ones."""
    kept = cache.get(CODE)
    if kept is None:
        raise WrongCode
    try:
        tries = cache.incr(TRIES)
    except ValueError:
        raise WrongCode from None
    if tries > MAX_TRIES or not hmac.compare_digest(kept, _hash(code)):
        audit.record(
            action=AuditAction.FAILED_AUTH,
            resource_type="setup_code",
            organization_id=PLATFORM,
            response_status=WrongCode.status,
        )
        raise WrongCode


def create_first_owner(
    *, code: str, name: str, email: str, password: str, organization: str
) -> Membership:
    """Make the first user, who owns the first organization.

    Raises AlreadySetUp, OtherDatabase, WrongCode, Invalid.
    """
    if has_users():
        raise AlreadySetUp
    check_database()
    check_code(code)
    membership = _create(name, email, password, organization)
    cache.delete_many([CODE, TRIES])
    note_users()
    return membership


def lock_setup() -> None:
    """Let the second of two with the same code see the first one's user."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


@transaction.atomic
def _create(name: str, email: str, password: str, organization: str) -> Membership:
    lock_setup()
    if User.all_objects.order_by().exists():
        raise AlreadySetUp
    if not name.strip():
        raise Invalid("Enter your name.", pointer="/name")
    user = User.objects.create_user(email.strip().lower(), password, name=name.strip())
    # Whoever has the code runs the server, and vouches for the address.
    user.verify_email()
    made = create_organization(owner=user, name=organization)
    return Membership.objects.select_related("user", "organization").get(
        user=user, organization=made
    )
