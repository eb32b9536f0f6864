"""Who sends: one connector in this thread, or several side by side, each in a thread of its own.

A job that has not begun can be taken back, and then certainly nothing of it left.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from activation.claims import Claim
from activation.connectors import Connector
from activation.errors import ConfigurationError
from activation.pacing import pause
from activation.types import Answer, Request, State, TooLargeError

NOT_SENT = Answer(State.PLANNED, "not_sent")


@dataclass(frozen=True)
class Job:
    """A claimed request, and when it may leave: seconds since 1970, 0 for at once."""

    claimed: Claim
    request: Request
    not_before: float = 0.0


@dataclass(frozen=True)
class Done:
    """What became of a job; ``error`` where the request could not be made at all."""

    claimed: Claim
    answer: Answer
    error: ConfigurationError | None = None

    @property
    def was_not_begun(self) -> bool:
        """Whether certainly nothing of it left, and through no doing of the destination's."""
        return self.answer is NOT_SENT


def attempt(connector: Connector, request: Request) -> tuple[Answer, ConfigurationError | None]:
    """Send one request, whatever a connector does."""
    try:
        return connector.send(request), None
    except TooLargeError:
        return Answer(State.REFUSED, "too_large", is_divisible=True), None
    except ConfigurationError as error:
        # By its meaning nothing was sent, so nobody is in doubt.
        return NOT_SENT, error
    except Exception as error:  # noqa: BLE001  # whatever it was, we cannot know what left
        return Answer(State.IN_DOUBT, type(error).__name__), None


class Crew:
    """Sends jobs in the order of their coming. Only one thread asks it; close it in the end."""

    def __init__(
        self,
        connector: Connector,
        another: Callable[[], Connector] | None,
        workers: int,
        should_stop: Callable[[], bool],
    ) -> None:
        """``another`` makes the connectors of further workers, which begin when there is work for them."""
        self._should_stop = should_stop
        self._first = connector
        self._another = another
        self._most = workers if another is not None else 1
        self._waiting: deque[Job] = deque()
        self._answers: SimpleQueue[Done] = SimpleQueue()
        self._has_news = threading.Condition()
        self._is_closed = False
        self._threads: list[threading.Thread] = []
        self.open = 0

    @property
    def is_alone(self) -> bool:
        """Whether jobs are done in the thread of who asks."""
        return self._most == 1

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take jobs on."""
        self.open += len(jobs)
        with self._has_news:
            self._waiting.extend(jobs)
            if not self.is_alone:
                while len(self._threads) < min(self._most, self.open):
                    self._begin()
                self._has_news.notify(len(jobs))

    def take(self) -> list[Done]:
        """Wait for the next answer, and take what else has come by then."""
        if self.is_alone:
            job = self._waiting.popleft()
            pause(job.not_before - time.time(), self._should_stop)
            if self._should_stop() and job.not_before > time.time():
                done = [Done(job.claimed, NOT_SENT)]
            else:
                done = [Done(job.claimed, *attempt(self._first, job.request))]
        else:
            done = [self._answers.get()]
            while not self._answers.empty():
                done.append(self._answers.get())
        self.open -= len(done)
        return done

    def recall(self) -> list[Done]:
        """Take back what has not begun."""
        with self._has_news:
            jobs = list(self._waiting)
            self._waiting.clear()
        self.open -= len(jobs)
        return [Done(job.claimed, NOT_SENT) for job in jobs]

    def close(self) -> None:
        """End the threads; nothing may be open."""
        with self._has_news:
            self._is_closed = True
            self._has_news.notify_all()
        for thread in self._threads:
            thread.join()

    def _begin(self) -> None:
        assert self._another is not None  # noqa: S101  # else there is no thread
        connector = self._another() if self._threads else self._first
        thread = threading.Thread(target=self._work, args=(connector,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self, connector: Connector) -> None:
        while True:
            with self._has_news:
                while not self._waiting and not self._is_closed:
                    self._has_news.wait()
                if not self._waiting:
                    return
                wait = self._waiting[0].not_before - time.time()
                if wait > 0:
                    # Still waiting, so that it can be recalled meanwhile.
                    self._has_news.wait(min(wait, 0.2))
                    continue
                job = self._waiting.popleft()
            self._answers.put(Done(job.claimed, *attempt(connector, job.request)))
