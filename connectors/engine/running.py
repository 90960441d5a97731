"""What runs now: by query id, with who asked for it and why it was stopped, if it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from connectors.engine.errors import QUERY_CANCELLED, QUERY_ID_TAKEN, TIMEOUT, EngineError
from connectors.engine.runner import Work


@dataclass
class Job:
    """One statement that runs. `stopped` is the error that its client gets, when it was.

    `let_go` is called then: an engine that waits for a client to read would not notice otherwise.
    """

    work: Work
    stopped: EngineError | None = None
    let_go: Callable[[], object] = lambda: None


class Running:
    """All jobs of this process; `cancel` tells the engine to end one. For one event loop."""

    def __init__(self, cancel: Callable[[Work], None]) -> None:
        self._cancel = cancel
        self._jobs: dict[str, Job] = {}

    @contextmanager
    def job(self, work: Work) -> Iterator[Job]:
        """Count `work` as running. Raises EngineError where its query id already runs."""
        if work.query_id in self._jobs:
            raise EngineError(QUERY_ID_TAKEN, "a query with this query_id is running")
        job = self._jobs[work.query_id] = Job(work)
        try:
            yield job
        finally:
            del self._jobs[work.query_id]

    def stop(self, job: Job, error: EngineError) -> None:
        """End it; its client is told `error`. Blocks for as long as the engine takes to note it."""
        job.stopped = job.stopped or error
        self._cancel(job.work)
        job.let_go()

    def time_out(self, job: Job, seconds: float) -> None:
        """End what took longer than this engine lets anything take."""
        self.stop(
            job, EngineError(TIMEOUT, f"stopped after {seconds:g} seconds, the most that this engine gives")
        )

    def kill(self, job: Job) -> None:
        """End what KILL QUERY names."""
        self.stop(job, EngineError(QUERY_CANCELLED, "Query was cancelled by KILL QUERY"))

    def leave(self, job: Job) -> None:
        """End what nobody waits for."""
        self.stop(job, EngineError(QUERY_CANCELLED, "the client went away"))

    def find(self, query_id: str, account: str, *, owner: bool) -> Job | None:
        """A job that this account may stop: its own, or any for the owner's account."""
        job = self._jobs.get(query_id)
        return job if job and (owner or job.work.account == account) else None

    def __len__(self) -> int:
        return len(self._jobs)
