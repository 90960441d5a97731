"""The first page of administration: what needs attention. And the rules in force."""

from dataclasses import dataclass

from starlette.responses import Response

from platestream.console.administration.fields import BASE, may, page
from platestream.console.visit import Routes, Visit
from schemas.message import RefusedError
from services import attention, dead_letters
from services.cameras import health
from services.cameras.state import GatewayHealth
from services.registry import show_several
from services.retention import job as retention
from services.rules import in_force
from services.up import status
from services.up.supervisor import UpError
from services.yearly_audit import rhythms


@dataclass(frozen=True)
class Gateway:
    """What is known of the cameras' frames: `wrong` says what is wrong, or why nothing is known."""

    found: GatewayHealth | None
    wrong: tuple[str, ...]


def gateway(visit: Visit) -> Gateway:
    """The camera gateway that was started on this machine."""
    try:
        found = status.gateway(visit.door.settings)
    except UpError as error:
        return Gateway(None, (str(error),))
    except (RefusedError, OSError) as error:
        said = error.detail if isinstance(error, RefusedError) else str(error)
        return Gateway(None, (f"the gateway's configuration cannot be read: {said}",))
    return Gateway(found, tuple(health.faults(found, visit.now)) if found else ())


def overview(visit: Visit) -> Response:
    """What needs attention, with links to where it is mended."""
    found = show_several(visit.door, "user", "agency", "camera", "detail")
    _people, rules = visit.console.people()
    waiting = None
    if may(visit, "dead_letter_show"):
        waiting = sum(not one.sent_again for one in dead_letters.letters(visit.door))
    return page(
        visit,
        "administration.html",
        training=attention.training(found["user"], rules, visit.now),
        agreements=attention.agreements(found["agency"], visit.now),
        approvals=attention.approvals(found["camera"], visit.now),
        details=attention.details(found["detail"], visit.now),
        audits=attention.audits(rhythms.steps_here(visit.door, visit.now), visit.now),
        gateway=gateway(visit),
        stopped=retention.stopped(visit.door),
        waiting=waiting,
    )


def rules(visit: Visit) -> Response:
    """The rules that the gate judges by."""
    return page(visit, "rules.html", ruled=in_force.show(visit.door))


ROUTES: Routes = {("GET", BASE): overview, ("GET", f"{BASE}/rules"): rules}
