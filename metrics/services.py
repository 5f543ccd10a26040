"""The one door to agents' metrics; nothing is kept in memory between two calls."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from accounts.audit import log as audit
from accounts.errors import NotFound
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from metrics import ledger, projection
from metrics.bodies import (
    CustodyResult,
    InvalidMetrics,
    LearningUpdate,
    MetricsUpdate,
    error_at,
    pointer_to,
    read,
    read_type,
)
from metrics.ledger import Boards, Entry, Recorded, Request
from metrics.models import AgentMetrics, AgentMetricsQuerySet, EventKind, Source
from metrics.projection import Payload
from metrics.scores import AFTER_A_TEST, AFTER_LEARNING, CUSTODY, as_json, figures

log = structlog.get_logger(__name__)

MAX_BULK = 100


@dataclass
class AgentMetricsService:
    """Read and record what the agents of one organization achieve."""

    organization: Organization
    actor: User | None = None
    source: Source = Source.API
    bound_agent: UUID | None = None

    @classmethod
    def initialize(cls, *, organization: Organization, **options: Any):
        """Return a service that is ready: there is nothing to load."""
        return cls(organization, **options)

    # --- reading ----------------------------------------------------------------
    def boards(self) -> AgentMetricsQuerySet:
        """Return the rows of living agents that this caller may see."""
        mine = AgentMetrics.objects.for_organization(self.organization)
        return mine.current().of_agent(self.bound_agent)

    def board(self, agent_type: str) -> AgentMetrics | None:
        return self.boards().filter(agent_type=agent_type.lower()).first()

    def get_agent_metrics(self, agent_type: str) -> dict[str, Any] | None:
        """Return every column of one agent type, or None."""
        board = self.board(agent_type)
        return figures(board) if board else None

    def get_all_agent_metrics(self) -> dict[str, dict[str, Any]]:
        """Return {agent_type: columns} of all agent types."""
        return {
            board.agent_type: figures(board) for board in self.boards().oldest_first()
        }

    def get_custody_metrics(self, agent_type: str) -> dict[str, Any] | None:
        """Return what custody tests made of one agent type, or None."""
        board = self.board(agent_type)
        return figures(board, CUSTODY) if board else None

    # --- recording, by the names callers know --------------------------------------
    def create_or_update_agent_metrics(
        self, agent_type: str, metrics_data: dict[str, Any]
    ) -> bool:
        """Set some columns; the row is created if there is none."""
        self.put(agent_type, metrics_data)
        return True

    def update_specific_metrics(self, agent_type: str, updates: dict[str, Any]) -> bool:
        """Set some columns of a row that exists; return whether it does."""
        try:
            self.put(agent_type, updates, may_open=False)
        except NotFound:
            return False
        return True

    def update_custody_test_result(
        self, agent_type: str, test_result: dict[str, Any]
    ) -> bool:
        """Record the outcome of one custody test."""
        self.record_custody_test(agent_type, test_result)
        return True

    def update_learning_metrics(
        self, agent_type: str, learning_data: dict[str, Any]
    ) -> bool:
        """Record what an agent learned."""
        self.record_learning(agent_type, learning_data)
        return True

    def bulk_update_metrics(self, updates: dict[str, dict[str, Any]]) -> bool:
        """Set columns of many agent types, all or none."""
        self.put_many(updates)
        return True

    def reset_agent_metrics(self, agent_type: str) -> bool:
        """Take every metric back to its default; return whether there was a row."""
        try:
            self.reset(agent_type)
        except NotFound:
            return False
        return True

    # --- recording, with what an API answers -------------------------------------
    def record_custody_test(
        self, agent_type: str, body: Any, request: Request | None = None
    ) -> Recorded:
        """Record one test; the points it earns are settled here, not by the sender."""
        name, result = read_type(agent_type), read(CustodyResult, body)
        award = result.xp_awarded
        if award is None:
            award = projection.current_rules().xp_award
        payload = {
            "passed": result.passed,
            "score": result.score,
            "duration": result.duration,
            "timestamp": as_json(result.timestamp),
            "xp_awarded": award if result.passed else 0,
        }
        if result.is_winner:
            payload["is_winner"] = True
        recorded = self._record(
            {
                name: Entry(
                    EventKind.CUSTODY_TEST, payload, self.source, result.timestamp
                )
            },
            lambda boards, _: {
                "status": "success",
                "agent_type": name,
                "message": "Custody test result recorded successfully",
                "updated_custody_metrics": figures(boards[name], AFTER_A_TEST),
            },
            request,
        )
        if not recorded.is_replay:
            log.info(
                "Updated custody test results",
                agent_type=name,
                test_result=payload,
                new_xp=recorded.boards[name].xp,
            )
        return recorded

    def record_learning(
        self, agent_type: str, body: Any, request: Request | None = None
    ) -> Recorded:
        """Record what an agent learned; its streaks are not touched."""
        name = read_type(agent_type)
        payload = read(LearningUpdate, body).as_json()
        return self._record(
            {name: Entry(EventKind.LEARNING, payload, self.source)},
            lambda boards, _: {
                "status": "success",
                "agent_type": name,
                "message": "Learning metrics updated successfully",
                "updated_learning_metrics": figures(boards[name], AFTER_LEARNING),
            },
            request,
        )

    @transaction.atomic
    def put(
        self,
        agent_type: str,
        body: Any,
        request: Request | None = None,
        *,
        may_open: bool = True,
    ) -> Recorded:
        """Set what was sent; what follows from it is recomputed unless sent too."""
        name = read_type(agent_type)
        payload = read(MetricsUpdate, body).as_json()
        recorded = self._record(
            {name: Entry(EventKind.PUT, payload, self.source)},
            lambda boards, _: {
                "status": "success",
                "agent_type": name,
                "message": "Agent metrics updated successfully",
                "metrics": figures(boards[name]),
            },
            request,
            may_open=may_open,
        )
        self._audit(recorded, "put")
        return recorded

    @transaction.atomic
    def put_many(self, updates: Any, request: Request | None = None) -> Recorded:
        """Set columns of up to a hundred agent types, all or none."""
        entries = {
            name: Entry(
                EventKind.BULK_UPDATE,
                payload,
                self.source,
                pointer=pointer_to("updates", name),
            )
            for name, payload in _read_updates(updates).items()
        }
        recorded = self._record(
            entries,
            lambda boards, opened: {
                "status": "success",
                "message": f"Bulk update completed for {len(boards)} agents",
                "updated": [name for name in boards if name not in opened],
                "created": [name for name in boards if name in opened],
            },
            request,
        )
        self._audit(recorded, "bulk_update")
        return recorded

    @transaction.atomic
    def reset(self, agent_type: str, request: Request | None = None) -> Recorded:
        """Take every metric back to its default; the audit log keeps the old ones."""
        name = read_type(agent_type)
        recorded = self._record(
            {name: Entry(EventKind.RESET, {}, self.source)},
            lambda boards, _: {
                "status": "success",
                "agent_type": name,
                "message": "Agent metrics reset successfully",
            },
            request,
            may_open=False,
        )
        self._audit(recorded, "reset")
        return recorded

    def _record(
        self,
        entries: dict[str, Entry],
        answer: ledger.Answer,
        request: Request | None,
        *,
        may_open: bool = True,
    ) -> Recorded:
        return ledger.record(
            organization=self.organization,
            entries=entries,
            answer=answer,
            request=request,
            reach=ledger.Reach(self.bound_agent, may_open),
        )

    def _audit(self, recorded: Recorded, operation: str) -> None:
        """Write one row for what was set by hand; repetitions changed nothing."""
        if recorded.is_replay:
            return
        boards: Boards = recorded.boards
        changes = {
            name: _differences(recorded.before[name], board)
            for name, board in boards.items()
        }
        is_one = len(boards) == 1 and operation != "bulk_update"
        only = next(iter(boards))
        created = is_one and only in recorded.opened
        audit.record(
            action=AuditAction.CREATE if created else AuditAction.UPDATE,
            resource_type="agent_metrics",
            resource_id=only if is_one else "",
            organization_id=self.organization.pk,
            actor=self.actor,
            changes=changes[only] if is_one else changes,
            metadata={"operation": operation},
        )


def _differences(before: dict[str, Any], board: AgentMetrics) -> dict[str, Any]:
    old = {name: as_json(value) for name, value in before.items()}
    return audit.difference(old, figures(board, projection.COLUMNS))


def _read_updates(updates: Any) -> dict[str, Payload]:
    """Validate every entry; name all that is wrong at once."""
    if not isinstance(updates, dict) or not 1 <= len(updates) <= MAX_BULK:
        detail = f"An object of 1 to {MAX_BULK} agent types."
        raise InvalidMetrics([error_at("/updates", "invalid", detail)])
    payloads, errors = {}, []
    for agent_type, body in updates.items():
        pointer = "/updates" + pointer_to(agent_type)
        try:
            name = read_type(agent_type, pointer)
            if name in payloads:
                detail = "This agent type is named twice."
                errors.append(error_at(pointer, "twice", detail))
            payloads[name] = read(MetricsUpdate, body, pointer).as_json()
        except InvalidMetrics as invalid:
            errors += invalid.errors
    if errors:
        raise InvalidMetrics(errors[:50])
    return payloads
