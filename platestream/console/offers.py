"""Entries between agencies: ours that are offered, on the entry's page, and those that others offer us."""

from starlette.responses import Response

from platestream.console import hotlist
from platestream.console.failures import said_of
from platestream.console.visit import Routes, Visit
from schemas.message import RefusedError
from services.inquiries.gate import RefusedInquiry
from services.partners import offering, taking
from services.partners.configured import configured


def offer(visit: Visit) -> Response:
    """Offer an entry to the agencies of the form; then the entry again."""
    offering.offer(visit.door, visit.said("entry"), visit.several("agency"), visit.now)
    return hotlist.one(visit)


def withdraw(visit: Visit) -> Response:
    """Take the offer back from one agency; then the entry again."""
    offering.withdraw(visit.door, visit.said("entry"), visit.several("agency"), visit.now)
    return hotlist.one(visit)


def listed(visit: Visit) -> Response:
    """What other agencies offer, what waits for a decision first."""
    return _listed(visit)


def take(visit: Visit) -> Response:
    """Put an offered entry on the list."""
    return _decide(visit, take_it=True)


def decline(visit: Visit) -> Response:
    """Say no to an offer, or drop what was taken."""
    return _decide(visit, take_it=False)


def again(visit: Visit) -> Response:
    """Pages that only forms lead to begin at the list."""
    return visit.see("/hotlist")


def _decide(visit: Visit, *, take_it: bool) -> Response:
    which = visit.said("entry")
    try:
        if take_it:
            _one, hits = taking.take(visit.door, which, visit.now)
            found = "No look-back was made" if hits is None else f"The look-back found {hits} historical hits"
            done = f"It is on the hot list. {found}."
        else:
            one = taking.decline(visit.door, which)
            done = f"The entry of {one.agency} is {one.decision}."
    except (RefusedError, RefusedInquiry) as error:
        status, said = said_of(error)
        return _listed(visit, status, refused=said)
    return _listed(visit, done=done)


def _listed(visit: Visit, status: int = 200, *, refused: str = "", done: str = "") -> Response:
    found = sorted(taking.offers(visit.door), key=lambda one: one.decision != "waiting")
    return visit.page(
        "hotlist_offers.html",
        status,
        offers=found,
        refused=refused,
        done=done,
        lease=configured(visit.console.settings).lists.lease_minutes,
        **hotlist.words(visit),
    )


ROUTES: Routes = {
    ("POST", "/hotlist/offer"): offer,
    ("POST", "/hotlist/withdraw"): withdraw,
    ("GET", "/hotlist/offers"): listed,
    ("POST", "/hotlist/offers/take"): take,
    ("POST", "/hotlist/offers/decline"): decline,
    **{("GET", f"/hotlist/{path}"): again for path in ("offer", "withdraw", "offers/take", "offers/decline")},
}
