"""Running statements by query id, with their owner and the reason if they were stopped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from platestream.engine.errors import QUERY_CANCELLED, QUERY_ID_TAKEN, TIMEOUT, EngineError
from platestream.engine.runner import Work


@dataclass
class Job:
    """One running statement. `stopped` is the error that its client gets, if it was stopped.

    `on_stop` is called then, because an engine that waits for a client to read would not notice otherwise.
    """

    work: Work
    stopped: EngineError | None = None
    on_stop: Callable[[], object] = lambda: None


class RunningQueries:
    """All jobs of this process; `cancel` asks the engine to end one. For one event loop."""

    def __init__(self, cancel: Callable[[Work], None]) -> None:
        self._cancel = cancel
        self._jobs: dict[str, Job] = {}

    @contextmanager
    def job(self, work: Work) -> Iterator[Job]:
        """Register `work` as running. Raises EngineError if its query id is already running."""
        if work.query_id in self._jobs:
            raise EngineError(QUERY_ID_TAKEN, "a query with this query_id is running")
        job = self._jobs[work.query_id] = Job(work)
        try:
            yield job
        finally:
            del self._jobs[work.query_id]

    def stop(self, job: Job, error: EngineError) -> None:
        """Stop a job; its client gets `error`. Blocks until the engine has noted it."""
        job.stopped = job.stopped or error
        self._cancel(job.work)
        job.on_stop()

    def time_out(self, job: Job, seconds: float) -> None:
        """Stop a job that exceeds the time limit of this engine."""
        self.stop(
            job, EngineError(TIMEOUT, f"stopped after {seconds:g} seconds, the most that this engine gives")
        )

    def kill(self, job: Job) -> None:
        """Stop the job that KILL QUERY names."""
        self.stop(job, EngineError(QUERY_CANCELLED, "Query was cancelled by KILL QUERY"))

    def abandon(self, job: Job) -> None:
        """Stop a job whose client has disconnected."""
        self.stop(job, EngineError(QUERY_CANCELLED, "the client went away"))

    def find(self, query_id: str, account: str, *, owner: bool) -> Job | None:
        """Return a job that this account may stop: its own, or any for the owner's account."""
        job = self._jobs.get(query_id)
        return job if job and (owner or job.work.account == account) else None

    def __len__(self) -> int:
        return len(self._jobs)
