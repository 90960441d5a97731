"""Dead letters, what was refused: listed, looked at, sent again. What is in them is not shown: it may be a
picture or a plate.
"""

from collections import Counter

from starlette.responses import Response

from platestream.console.administration.fields import BASE, address, asked, page
from platestream.console.visit import Routes, Visit
from services import dead_letters as job

A_PAGE = 200


def listed(visit: Visit) -> Response:
    """Dead letters of the last 7 days, the newest first, and how many of which reason."""
    reason, topic = visit.said("reason"), visit.said("topic")
    found = job.letters(visit.door, reason=reason, topic=topic)
    kinds = Counter((one.topic, one.reason) for one in found)
    return page(
        visit,
        "letters.html",
        letters=found[::-1][:A_PAGE],
        more=len(found[A_PAGE:]),
        kinds=kinds.most_common(),
        reason=reason,
        topic=topic,
    )


def one(visit: Visit) -> Response:
    """One letter: its headers and why it was refused."""
    letter, _payload = job.show(visit.door, asked(visit))
    return page(visit, "letter.html", letter=letter, goes_back=letter.topic in job.AGAIN)


def send_again(visit: Visit) -> Response:
    """Send a letter to the topic that it was refused from, as it came."""
    sent = job.send_again(visit.door, visit.said("letter"), visit.now, again=visit.said("again") == "yes")
    return visit.see(address("refused", sent.origin))


ROUTES: Routes = {
    ("GET", f"{BASE}/refused"): listed,
    ("POST", f"{BASE}/refused/send-again"): send_again,
    ("GET", f"{BASE}/refused/{{name:path}}"): one,
}
