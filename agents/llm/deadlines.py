"""How long an answer may be waited for, asked again at every slice of the wait."""

import time
from collections.abc import Callable

from accounts.outbound.requests import Deadline
from agents.llm.provider import ProviderError

SLICE_SECONDS = 0.5


class Patience:
    """The time for a whole answer, the longest silence within, and who else asks.

    `waiting` is called at each slice and may raise, which ends the wait.
    """

    def __init__(
        self, *, seconds: float, silence: float, waiting: Callable[[], None]
    ) -> None:
        self.seconds = seconds
        self.silence = silence
        self.deadline = Deadline(seconds)
        self.waiting = waiting
        # Whether nothing is to be waited for any more, whoever would answer.
        self.is_over = False

    def check(self) -> None:
        """Raise what ends the wait, if anything does. Raises ProviderError."""
        try:
            self.waiting()
        except Exception:
            self.is_over = True
            raise
        try:
            self.deadline.remaining()
        except TimeoutError:
            self.is_over = True
            raise ProviderError(
                f"The answer was not complete after {self.seconds:g} s."
            ) from None

    def slice_of(self, silent: Deadline) -> float:
        """Return the seconds to wait before asking again. Raises TimeoutError."""
        self.check()
        return min(SLICE_SECONDS, silent.remaining())

    def pause(self, seconds: float) -> None:
        """Wait between two tries."""
        pause = Deadline(seconds)
        while True:
            try:
                time.sleep(self.slice_of(pause))
            except TimeoutError:
                return
