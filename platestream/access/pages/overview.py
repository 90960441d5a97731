"""Overview page of administration: items that need attention. Page of the rules in force."""

from dataclasses import dataclass

from starlette.responses import Response

from platestream.access import rules_in_force
from platestream.access.pages.fields import BASE, page
from platestream.access.registry import records, show_several
from platestream.audit.yearly import periodic
from platestream.cameras.state import GatewayHealth
from platestream.operations import dead_letters
from platestream.operations.up import status
from platestream.operations.up.supervisor import UpError
from platestream.policy import attention
from platestream.retention import service as retention
from platestream.schemas.message import RefusedError
from platestream.web.page_request import PageRequest, Routes


@dataclass(frozen=True)
class GatewayStatus:
    """Status of the cameras' frames: `wrong` holds the faults, or the reason why nothing is known."""

    found: GatewayHealth | None
    wrong: tuple[str, ...]


def gateway_status(request: PageRequest) -> GatewayStatus:
    """Return the status of the camera gateway that was started on this machine."""
    try:
        found = status.gateway(request.door.settings)
        if found is None:
            return GatewayStatus(None, ())
        known, mode = records(request.door.streams), request.door.rules.profile.cameras.unapproved
        wrong = status.camera_faults(request.door.settings, found, known, mode, request.now)
    except UpError as error:
        return GatewayStatus(None, (str(error),))
    except (RefusedError, OSError) as error:
        reason = error.detail if isinstance(error, RefusedError) else str(error)
        return GatewayStatus(None, (f"the gateway's configuration cannot be read: {reason}",))
    return GatewayStatus(found, tuple(wrong))


def show_overview(request: PageRequest) -> Response:
    """Show the items that need attention, with links to the pages that fix them."""
    found = show_several(request.door, "user", "agency", "camera", "detail")
    _people, rules = request.console.people()
    waiting = dead_letters.count_waiting(request.door) if request.may("dead_letter_show") else None
    return page(
        request,
        "administration.html",
        training=attention.training(found["user"], rules, request.now),
        agreements=attention.agreements(found["agency"], request.now),
        approvals=attention.approvals(found["camera"], request.now),
        details=attention.details(found["detail"], request.now),
        audits=attention.audits(periodic.agency_steps(request.door, request.now), request.now),
        gateway=gateway_status(request),
        stopped=retention.stopped(request.door),
        waiting=waiting,
    )


def show_rules(request: PageRequest) -> Response:
    """Show the rules that the gate applies."""
    ruled = rules_in_force.show(request.door)
    required = ruled.row.rules.profile.sign_in.second_factor or "nobody"
    factor = required if isinstance(required, str) else ", ".join(required)
    return page(request, "rules.html", ruled=ruled, second_factor=f"required of {factor}")


ROUTES: Routes = {("GET", BASE): show_overview, ("GET", f"{BASE}/rules"): show_rules}
