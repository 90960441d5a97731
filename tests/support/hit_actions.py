"""Actions on one hit, as tests and Hypothesis make them."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

from hypothesis import strategies as st

from platestream.schemas.hit_action import ActionKind, HitAction

HIT = UUID("5f3b7a90-51f5-5c0d-8a43-0c3d0c1d2e3f")
START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
KINDS: tuple[ActionKind, ...] = get_args(ActionKind)


def action(
    kind: ActionKind,
    minute: float = 0,
    *,
    by: str = "rvale",
    number: int | None = None,
    at: datetime | None = None,
    hit: UUID = HIT,
    **changes: object,
) -> HitAction:
    """A step `minute` after START; `number` is its id."""
    if kind == "confirmed_current":
        changes.setdefault("checked_with", "ncic")
    return HitAction(
        action_id=uuid4() if number is None else UUID(int=number),
        hit_id=hit,
        at=at or START + timedelta(minutes=minute),
        by=by,
        kind=kind,
        **changes,  # type: ignore[arg-type]
    )


@st.composite
def actions(draw: st.DrawFn) -> HitAction:
    """Any step by one of two officers in one of a few milliseconds, so that many collide."""
    kind = draw(st.sampled_from(KINDS))
    number = draw(st.integers(1, 10**6))
    at = START + timedelta(milliseconds=number % 7)
    asked = draw(st.sampled_from(["ncic", "acic", "mvd"]))
    keeper: dict[str, Any] = {"checked_with": asked} if kind == "confirmed_current" else {}
    by = draw(st.sampled_from(["a", "b"]))
    return action(kind, number=number * 7 + KINDS.index(kind), at=at, by=by, **keeper)
