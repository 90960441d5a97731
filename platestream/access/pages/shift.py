"""Shifts in the console: start and end, and the people on shift. New hits arrive on open pages during
a shift.
"""

from datetime import timedelta

from starlette.responses import Response

from platestream.access import shifts
from platestream.web.page_request import PageRequest, Routes

HOURS = (4, 8, 10, 12)


def show(request: PageRequest) -> Response:
    """Show the people on shift, and which of their devices are connected."""
    return request.page("shift.html", on_shift=shifts.show(request.door, request.now))


def begin(request: PageRequest) -> Response:
    """Start a shift."""
    hours = next((one for one in HOURS if str(one) == request.field("hours")), HOURS[-1])
    record = shifts.log_in(request.door, timedelta(hours=hours), request.now, cameras=request.fields("car"))
    request.console.forget()
    request.session.change(shift=record.id)  # which ends with the shift
    return request.redirect("/hits")


def end(request: PageRequest) -> Response:
    """End the shift. The session ends with it."""
    shifts.log_out(request.door, request.now)
    request.console.forget()
    return request.console.sign_out(request.session)


ROUTES: Routes = {("GET", "/shift"): show, ("POST", "/shift/begin"): begin, ("POST", "/shift/end"): end}
