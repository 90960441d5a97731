"""Pages of rejected messages: list, details, sending again. Contents are not shown: they may be a picture or
a plate.
"""

from collections import Counter

from starlette.responses import Response

from platestream.access.pages.fields import BASE, address, page
from platestream.operations import dead_letters as job
from platestream.web.page_request import PageRequest, Routes

A_PAGE = 200


def list_messages(request: PageRequest) -> Response:
    """Show the rejected messages of the last 7 days, newest first, with counts by reason."""
    reason, topic = request.field("reason"), request.field("topic")
    found = job.letters(request.door, reason=reason, topic=topic)
    kinds = Counter((one.topic, one.reason) for one in found)
    return page(
        request,
        "rejected_messages.html",
        messages=found[::-1][:A_PAGE],
        more=len(found[A_PAGE:]),
        kinds=kinds.most_common(),
        reason=reason,
        topic=topic,
    )


def show_message(request: PageRequest) -> Response:
    """Show one message: its headers and the reason of its rejection."""
    message, _payload = job.show(request.door, request.named("name"))
    return page(request, "rejected_message.html", message=message, goes_back=message.topic in job.AGAIN)


def resend(request: PageRequest) -> Response:
    """Send a message unchanged to the topic that rejected it."""
    sent = job.send_again(
        request.door, request.field("letter"), request.now, again=request.field("again") == "yes"
    )
    return request.redirect(address("refused", sent.origin))


ROUTES: Routes = {
    ("GET", f"{BASE}/refused"): list_messages,
    ("POST", f"{BASE}/refused/send-again"): resend,
    ("GET", f"{BASE}/refused/{{name:path}}"): show_message,
}
