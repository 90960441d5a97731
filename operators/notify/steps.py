"""The small steps between the routing of hits and the outboxes."""

from collections.abc import Callable

from operators.notify.message import Notice, box, boxes
from operators.notify.rules import NotifyRules
from schemas.dead_letter import DeadLetter
from schemas.delivery import Delivery
from schemas.message import EndOfSnapshot

News = Notice | Delivery | EndOfSnapshot


def is_notice(item: object) -> bool:
    """Told, not decided against."""
    return isinstance(item, Notice)


def to_receivers(rules: NotifyRules) -> Callable[[News], list[tuple[str, News]]]:
    """Notices and deliveries to their outbox, the ledger's marks to every outbox."""
    every = [name for receiver in rules.names for name in boxes(receiver)]

    def to(item: News) -> list[tuple[str, News]]:
        if isinstance(item, EndOfSnapshot):
            return [(name, item) for name in every]
        return [(box(item.receiver, item.delivery_id), item)] if item.receiver else []

    return to


def delivered(item: object) -> Delivery | None:
    """What goes to the deliveries."""
    return item if isinstance(item, Delivery) else None


def gave_up(item: object) -> Delivery | None:
    """What the ledger has not yet: a notice that was delivered is in it before anybody hears of it."""
    return item if isinstance(item, Delivery) and item.outcome == "failed" else None


def dead(item: object) -> DeadLetter | None:
    """What goes to the dead letters."""
    return item if isinstance(item, DeadLetter) else None
