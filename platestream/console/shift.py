"""On shift and off it: new hits come to an open page for as long as a shift lasts."""

from datetime import timedelta

from starlette.responses import Response

from platestream.console.visit import Routes, Visit
from services import shifts

HOURS = (4, 8, 10, 12)


def begin(visit: Visit) -> Response:
    """Log in for a shift."""
    hours = next((one for one in HOURS if str(one) == visit.said("hours")), HOURS[-1])
    record = shifts.log_in(visit.door, timedelta(hours=hours), visit.now)
    visit.console.forget_people()
    join(visit, record.id)
    return visit.see("/hits")


def end(visit: Visit) -> Response:
    """Log out; the session ends with the shift."""
    shifts.log_out(visit.door, visit.now)
    visit.console.forget_people()
    return visit.console.sign_out(visit.session)


def join(visit: Visit, shift: str) -> None:
    """Let the session end with the shift."""
    visit.session.shift = shift


ROUTES: Routes = {("POST", "/shift/begin"): begin, ("POST", "/shift/end"): end}
