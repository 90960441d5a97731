"""State of a flow's step, encrypted before it reaches the recovery store."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bytewax.operators import StatefulBatchLogic, StatefulLogic

from platestream.keys.key_folder import KeyDestroyedError, Sealer

log = logging.getLogger(__name__)

BatchBuilder = Callable[[Any], StatefulBatchLogic[Any, Any, Any]]
Builder = Callable[[Any], StatefulLogic[Any, Any, Any]]


def sealed_batch(keys: Sealer, step: str, build: BatchBuilder) -> BatchBuilder:
    """Return a builder for `op.stateful_batch` whose state, of bytes, is encrypted under the step's name."""
    return lambda resume: _SealedBatch(keys, step, build(_opened(keys, step, resume)))


def sealed_items(keys: Sealer, step: str, build: Builder) -> Builder:
    """Return a builder for `op.stateful` whose state, of bytes, is encrypted under the step's name."""
    return lambda resume: _SealedItems(keys, step, build(_opened(keys, step, resume)))


def _opened(keys: Sealer, step: str, resume: bytes | None) -> bytes | None:
    if resume is None:
        return None
    try:
        return keys.open(f"state of {step}", resume)
    except KeyDestroyedError as error:
        log.warning("%s begins without its state: %s", step, error)
        return None


class _Sealed:
    """The parts that both kinds of logic have alike."""

    def __init__(self, keys: Sealer, step: str, logic: Any) -> None:
        self._keys, self._step, self._logic = keys, step, logic

    def on_notify(self) -> tuple[Any, bool]:
        return self._logic.on_notify()  # type: ignore[no-any-return]

    def on_eof(self) -> tuple[Any, bool]:
        return self._logic.on_eof()  # type: ignore[no-any-return]

    def notify_at(self) -> datetime | None:
        return self._logic.notify_at()  # type: ignore[no-any-return]

    def snapshot(self) -> bytes:
        return self._keys.seal(f"state of {self._step}", None, self._logic.snapshot())


class _SealedBatch(_Sealed, StatefulBatchLogic[Any, Any, Any]):
    def on_batch(self, values: list[Any]) -> tuple[Any, bool]:
        return self._logic.on_batch(values)  # type: ignore[no-any-return]


class _SealedItems(_Sealed, StatefulLogic[Any, Any, Any]):
    def on_item(self, value: Any) -> tuple[Any, bool]:
        return self._logic.on_item(value)  # type: ignore[no-any-return]
