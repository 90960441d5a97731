"""Pages of hot list offers between agencies: ours on the entry's page, and those of others."""

from functools import partial

from starlette.responses import Response

from platestream.access.inquire import RefusedInquiry
from platestream.hotlist.lookback_jobs import LookBackJob, StartedLookBack
from platestream.hotlist.pages import hotlist
from platestream.partners import offers as own_offers
from platestream.partners import received_offers
from platestream.partners.config import read_config
from platestream.schemas.message import RefusedError
from platestream.web.failures import error_response
from platestream.web.page_request import PageRequest, Routes


def offer_entry(request: PageRequest) -> Response:
    """Offer an entry to the agencies of the form, and show the entry again."""
    own_offers.offer(request.door, request.field("entry"), request.fields("agency"), request.now)
    return hotlist.show_entry(request)


def withdraw_offer(request: PageRequest) -> Response:
    """Withdraw the offer from one agency, and show the entry again."""
    own_offers.withdraw(request.door, request.field("entry"), request.fields("agency"), request.now)
    return hotlist.show_entry(request)


def decide(request: PageRequest, *, accept: bool) -> Response:
    """Accept an offered entry, or decline it, which removes an accepted one."""
    which = request.field("entry")
    search = StartedLookBack(request.console.look_backs, request.session.who)
    try:
        if accept:
            received_offers.take(request.door, which, request.now, search=search)
            done = "The entry is on the hot list."
        else:
            one = received_offers.decline(request.door, which)
            done = f"The entry of {one.agency} is {one.decision}."
    except (RefusedError, RefusedInquiry) as error:
        status, message = error_response(error)
        return list_offers(request, status, refused=message)
    return list_offers(request, done=done, job=search.job)


def list_offers(
    request: PageRequest,
    status: int = 200,
    *,
    refused: str = "",
    done: str = "",
    job: LookBackJob | None = None,
) -> Response:
    """Show the offers of other agencies, pending decisions first."""
    found = sorted(received_offers.offers(request.door), key=lambda one: one.decision != "waiting")
    return request.page(
        "hotlist_offers.html",
        status,
        offers=found,
        refused=refused,
        done=done,
        job=job,
        lease=read_config(request.console.settings).lists.lease_minutes,
        **hotlist.shared_variables(request),
    )


ROUTES: Routes = {
    ("POST", "/hotlist/offer"): offer_entry,
    ("POST", "/hotlist/withdraw"): withdraw_offer,
    ("GET", "/hotlist/offers"): list_offers,
    ("POST", "/hotlist/offers/take"): partial(decide, accept=True),
    ("POST", "/hotlist/offers/decline"): partial(decide, accept=False),
    **{
        ("GET", f"/hotlist/{path}"): hotlist.redirect_to_list
        for path in ("offer", "withdraw", "offers/take", "offers/decline")
    },
}
