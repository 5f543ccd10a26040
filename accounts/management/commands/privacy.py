from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import DomainError
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.organizations import deletion
from accounts.privacy import account_closing
from accounts.privacy.archives import archive
from accounts.privacy.exports import export_organization, export_person, export_visitor
from accounts.privacy.visitors import erase_visitor

PEOPLE = ("export-person", "close-account", "reopen-account", "erase-person")
ORGANIZATIONS = (
    "export-organization",
    "delete-organization",
    "restore-organization",
    "erase-organization",
)
VISITORS = ("export-visitor", "erase-visitor")
EPILOG = "erase-… cannot be undone; it closes or deletes first what is not yet."


class Command(BaseCommand):
    help = f"Give out, close and erase what is kept of people. {EPILOG}"

    def add_arguments(self, parser):
        deeds = parser.add_subparsers(dest="deed", required=True)
        for deed in (*PEOPLE, *ORGANIZATIONS, *VISITORS):
            added = deeds.add_parser(deed)
            if deed in PEOPLE:
                added.add_argument("email")
            else:
                added.add_argument("organization", type=int, help="its number")
            if deed in VISITORS:
                added.add_argument("visitor_id")
            if deed.startswith("export"):
                added.add_argument("--to", type=Path, required=True, help="a zip")
        deeds.add_parser("erase-overdue", help="what nobody may have back")

    def handle(self, *, deed, **options):
        try:
            said = getattr(self, deed.replace("-", "_"))(**_asked(options))
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(said)

    # --- People -------------------------------------------------------------
    def export_person(self, email, to):
        user = _person(email)
        return _written(to, user.email, export_person(user=user, actor=None))

    def close_account(self, email):
        account_closing.close_account(user=_person(email), actor=None)
        return "Closed."

    def reopen_account(self, email):
        account_closing.reopen_account(user=_person(email), actor=None)
        return "Open again. Its memberships and keys are not."

    def erase_person(self, email):
        user = account_closing.close_account(user=_person(email), actor=None)
        account_closing.erase_account(user_id=user.pk)
        return "Erased."

    # --- Organizations ------------------------------------------------------
    def export_organization(self, organization, to):
        sections = export_organization(organization=organization, actor=None)
        return _written(to, organization.name, sections)

    def delete_organization(self, organization):
        deletion.delete_organization(organization=organization, actor=None)
        return "Deleted. It can be restored."

    def restore_organization(self, organization):
        deletion.restore_organization(organization=organization, actor=None)
        return "It is back."

    def erase_organization(self, organization):
        deletion.delete_organization(organization=organization, actor=None)
        deletion.erase_organization(organization=organization, actor=None)
        return "Erased."

    def erase_overdue(self):
        organizations = deletion.erase_overdue_organizations()
        people = account_closing.erase_overdue_accounts()
        return f"{organizations} organizations and {people} people erased."

    # --- Visitors -----------------------------------------------------------
    def export_visitor(self, organization, visitor_id, to):
        sections = export_visitor(
            organization=organization, actor=None, visitor_id=visitor_id
        )
        return _written(to, f"the visitor {visitor_id}", sections)

    def erase_visitor(self, organization, visitor_id):
        erase_visitor(organization=organization, actor=None, visitor_id=visitor_id)
        return "Erased."


def _asked(options: dict) -> dict:
    """Keep the arguments of the deed, and find the organization they name."""
    names = ("email", "organization", "visitor_id", "to")
    asked = {name: options[name] for name in names if name in options}
    if "organization" in asked:
        known = Organization.all_objects.filter(pk=asked["organization"])
        asked["organization"] = known.first()
        if asked["organization"] is None:
            raise CommandError("There is no organization of this number.")
    return asked


def _person(email: str) -> User:
    user = User.all_objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise CommandError("There is nobody of this address.")
    return user


def _written(path: Path, whom: str, sections) -> str:
    with path.open("xb") as file:
        path.chmod(0o600)
        for piece in archive(whom, sections):
            file.write(piece)
    return f"Written to {path}."
