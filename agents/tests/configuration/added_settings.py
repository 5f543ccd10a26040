"""What two settings do that were declared a moment ago: run in a copy of the product.

`tone` is kept beside the versions, `most_words` in them. Prints JSON; nothing stays.
"""

import json
import os
import sys
from typing import Any

import django

ADDED = ("tone", "most_words")


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from django.core.management import call_command
    from django.db import transaction
    from django.test.utils import setup_test_environment

    setup_test_environment()
    call_command("makemigrations", "agents", name="add_tone", verbosity=0)
    with transaction.atomic():
        call_command("migrate", "agents", verbosity=0)
        found = used()
        transaction.set_rollback(True)
    sys.stdout.write(json.dumps(found))


def used() -> dict[str, Any]:
    """Return what the API, the audit log and the operators' form say of both."""
    from accounts.models import AuditLog
    from accounts.tests.factories import MembershipFactory
    from agents.admin.agents import AgentAdmin
    from conftest import client_with_key

    api = client_with_key(MembershipFactory())
    url = "/api/v1/agents/"

    def ask(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return getattr(api, method)(f"{url}{path}", body, format="json").json()

    def both(agent: dict[str, Any]) -> list[Any]:
        return [agent[name] for name in ADDED]

    made = ask("post", "", {"name": "Desk", "tone": "warm", "most_words": 40})
    mine = f"{made['id']}/"
    wrong = ask("post", "", {"name": "No", "tone": "x" * 21, "most_words": -1})
    found = {
        "made": both(made),
        "silent": both(ask("post", "", {"name": "Silent"})),
        "refused": [error["pointer"] for error in wrong["errors"]],
        "plain": ask("patch", mine, {"tone": "dry"})["live_version"],
        "shaping": ask("patch", mine, {"most_words": 50})["live_version"],
        "one": both(ask("get", mine)),
        "listed": [both(row) for row in ask("get", "?search=Desk")["results"]],
        "copied": both(ask("post", f"{mine}clone/")),
        "versions": [
            row["most_words"] for row in ask("get", f"{mine}versions/")["results"]
        ],
    }
    file = ask("get", f"{mine}export/")
    found |= {
        "file": both(file["agent"]),
        "versions in file": [each["most_words"] for each in file["versions"]],
        "imported": both(ask("post", "import/", file)),
    }
    ask("post", f"{mine}versions/1/restore/")
    found |= {
        "restored": both(ask("get", mine)),
        "replaced": both(ask("put", mine, {"name": "Desk"})),
        "recorded": [
            {name: told for name, told in row.detail.changes.items() if name in ADDED}
            for row in AuditLog.objects.filter(resource_id=made["id"]).order_by("pk")
        ],
        "operators": list(AgentAdmin.fieldsets[-1][1]["fields"]),
    }
    return found


if __name__ == "__main__":
    main()
