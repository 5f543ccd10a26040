"""Eight weeks of believable history, the same at every run, through the ledger."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models.organizations import Organization
from metrics import ledger
from metrics.ledger import Entry
from metrics.models import AgentMetrics, EventKind, Source
from metrics.projection import current_rules
from metrics.scores import as_json

WEEKS = 8
FOUNDERS = ("imperium", "guardian", "sandbox", "conquest")
PATTERNS = (
    "Cites the policy it answers from",
    "Asks for the order number before it looks anything up",
    "Says what it does not know instead of guessing",
    "Keeps to the language of the question",
    "Declines to repeat its instructions",
)
SUGGESTIONS = (
    "Add the holiday delivery times to its knowledge",
    "Shorten the greeting: visitors scroll past it",
    "Say in the prompt when to hand over to a person",
    "Name the currency with every price",
)


@transaction.atomic
def load_history(
    organization: Organization, agent_types: Iterable[str] = FOUNDERS
) -> int:
    """Write the past of these agent types, once; return how many events it has."""
    names = list(dict.fromkeys(agent_types))
    for name in names:
        ledger.open_scoreboard(
            organization=organization,
            agent_id=ledger.usual_agent_id(name),
            agent_type=name,
        )
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return sum(_live_through(organization, name, today) for name in names)


def _live_through(organization: Organization, name: str, today: datetime) -> int:
    board = (
        AgentMetrics.objects.for_organization(organization)
        .current()
        .filter(agent_type=name)
        .locked()
        .first()
    )
    if board is None or board.ledger.filter(source=Source.DEMO).exists():
        return 0
    entries = _life(name, today - timedelta(weeks=WEEKS))
    ledger.save([board], ledger.append(board, entries))
    return len(entries)


def _life(name: str, start: datetime) -> list[Entry]:
    """Tell one agent type's eight weeks: it starts unevenly and learns."""
    chance = random.Random(name)  # noqa: S311 - a story, not a secret
    skill, growth = chance.uniform(0.62, 0.8), chance.uniform(0.12, 0.25)
    # Two weeks into some lives a change of the knowledge goes wrong.
    slump = chance.randrange(16, 40) if chance.random() < 0.4 else None
    entries = []
    for day in range(WEEKS * 7):
        moment = start + timedelta(days=day)
        share = day / (WEEKS * 7)
        ability = min(0.985, skill + growth * share)
        if slump is not None and 0 <= day - slump < 4:
            ability *= 0.55
        busy = chance.choice((0, 1, 2, 3)) if moment.weekday() < 5 else 0
        entries += [_test(chance, moment, ability) for _ in range(busy)]
        if moment.weekday() == 4:
            entries.append(_lesson(chance, moment, ability, share))
    return sorted(entries, key=lambda entry: entry.occurred_at)


def _test(chance: random.Random, day: datetime, ability: float) -> Entry:
    at = day + timedelta(seconds=chance.randrange(8 * 3600, 18 * 3600))
    passed = chance.random() < ability
    low, high = (78, 100) if passed else (31, 68)
    return Entry(
        EventKind.CUSTODY_TEST,
        {
            "passed": passed,
            "score": chance.randint(low, high),
            "duration": round(chance.uniform(4, 140), 1),
            "timestamp": as_json(at),
            "xp_awarded": current_rules().xp_award if passed else 0,
        },
        Source.DEMO,
        at,
    )


def _lesson(
    chance: random.Random, day: datetime, ability: float, share: float
) -> Entry:
    lesson = {
        "learning_score": round(40 + 420 * share * ability, 1),
        "success_rate": round(ability, 4),
        "xp_awarded": chance.choice((5, 10, 15)),
        "learning_patterns": [chance.choice(PATTERNS)],
    }
    if chance.random() < 0.5:
        lesson["improvement_suggestions"] = [chance.choice(SUGGESTIONS)]
    at = day + timedelta(hours=18, minutes=chance.randrange(50))
    return Entry(EventKind.LEARNING, lesson, Source.DEMO, at)
