"""The hot list: entries, what expires soon, sources with their age, an import with what it would change.

An entry's id may hold a case number, so it is sent in forms and stands in no address.
"""

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import Response

from platestream.console import undo
from platestream.console.failures import said_of
from platestream.console.sessions import Upload
from platestream.console.visit import Routes, Visit
from schemas.acts import BY_NAME
from schemas.fields import STATES
from schemas.hotlist import (
    CHECKED_SOURCES,
    INSTRUCTIONS,
    OWN_MUST_HAVE,
    OWN_SOURCE,
    PARTNER_SOURCE,
    HotListEntry,
)
from schemas.message import RefusedError
from services.hotlist import bolos, entries, overview
from services.hotlist.entry import as_told
from services.hotlist.files.formats import COLUMNS, FORMATS, layout_name, parser
from services.hotlist.files.lines import Parser
from services.hotlist.importing import Import, designations
from services.hotlist.intake import import_file, preview
from services.hotlist.origin import LARGEST_MANIFEST, Brought
from services.inquiries.gate import RefusedInquiry
from services.partners import offering

SOON = timedelta(days=3)
LINES = 100
"""Refused lines, and entries that would go, that a page shows."""
LONGEST_NAME = 100
TOLD = ("source", "layout", "columns", "delimiter")
FAULTS = {
    "": "",
    "expired": "expired: it alerts nobody",
    "undesignated": "its source or category is not designated: it alerts nobody",
}
DONE = {
    "added": "The entry is on the list.",
    "changed": "The entry is changed.",
    "unchanged": "The entry is on the list as it was.",
    "restored": "The entry is on the list as it was before.",
    "removed": "The entry is off the list. It stops alerting with the next read.",
}


def listed(visit: Visit) -> Response:
    """The sources, and a page of entries."""
    soon = visit.said("expiring") == "yes"
    found = overview.overview(
        visit.door,
        visit.now,
        source=visit.said("source"),
        reference=visit.said("reference"),
        within=SOON if soon else None,
        page=_number(visit.said("page")) or 1,
    )
    return visit.page(
        "hotlist.html",
        found=found,
        now=visit.now,
        asked={name: visit.said(name) for name in ("source", "reference", "expiring")},
        done=DONE.get(visit.said("done"), ""),
        searched=visit.said("searched") != "no",
        hits=_number(visit.said("hits")),
        **words(visit),
    )


def one(visit: Visit) -> Response:
    """One entry, with all that section H of the order asks for."""
    return _one(visit, "hotlist_entry.html")


def removing(visit: Visit) -> Response:
    """Asks whether the entry is to go."""
    return _one(visit, "hotlist_remove.html")


def remove(visit: Visit) -> Response:
    """Take it off the list."""
    was = entries.remove(visit.door, visit.said("entry"))
    if all(getattr(was, name).strip() for name in OWN_MUST_HAVE) and was.source != PARTNER_SOURCE:
        # What a feed lists comes with its next file, and another agency's offer can be taken again.
        _take_back(visit, "The entry was removed.", was, None)
    return visit.see("/hotlist?done=removed")


def new(visit: Visit) -> Response:
    """An empty form."""
    return _form(visit, {})


def add(visit: Visit) -> Response:
    """A new entry of our own list."""
    return _save(visit, OWN_SOURCE, _sent(visit))


def changing(visit: Visit) -> Response:
    """The form with the entry as it is."""
    entry = overview.one(visit.door, visit.said("entry"), visit.now).entry
    return _form(visit, as_told(entry, visit.console.zone), entry.entry_id)


def change(visit: Visit) -> Response:
    """The entry as the form says it."""
    source, _colon, reference = visit.said("entry").partition(":")
    return _save(visit, source, {**_sent(visit), "reference": reference}, visit.said("entry"))


def choosing(visit: Visit) -> Response:
    """A form for a file."""
    return _choose(visit)


def looking(visit: Visit) -> Response:
    """What the file would change; it is kept for the confirmation, in place of one that was kept before."""
    visit.session.upload = None
    sent = visit.form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        return _choose(visit, "Choose a file.", 400)
    name = "".join(char for char in sent.filename if char.isprintable())[-LONGEST_NAME:]
    told = {name: visit.said(name) for name in TOLD}
    signature = visit.form.get("signature")
    if isinstance(signature, UploadFile):
        told["signature"] = signature.file.read(LARGEST_MANIFEST).decode(errors="replace")
    return _look(visit, Upload(name, sent.file.read(), told, (), visit.now))


def bring(visit: Visit) -> Response:
    """Import the file that waits; what it came to. Where it is refused, what it would change as of now."""
    kept = visit.session.upload
    if kept is None or kept.name != visit.said("upload"):
        return _choose(
            visit, "No file waits here any more: one is kept for 10 minutes. Choose it again.", 409
        )

    def judged(plan: Import) -> None:
        if _comes_to(plan) != kept.shown:
            raise RefusedError("import", "the list has changed since you looked at the file: look again")

    try:
        made = import_file(
            visit.door,
            io.BytesIO(kept.content),
            kept.file,
            kept.told["source"],
            _parser(kept),
            visit.now,
            brought=_brought(kept),
            force=visit.said("force"),
            back=visit.said("back") == "yes",
            judged=judged,
        )
    except (RefusedError, RefusedInquiry) as error:
        status, said = said_of(error)
        return _look(visit, kept, said, status)
    visit.session.upload = None
    return visit.page("hotlist_imported.html", made=made, upload=kept, **words(visit))


def again(visit: Visit) -> Response:
    """Pages that only forms lead to begin at the list."""
    return visit.see("/hotlist")


def _one(visit: Visit, template: str) -> Response:
    found = overview.one(visit.door, visit.said("entry"), visit.now)
    try:
        text = as_told(found.entry, visit.console.zone)
    except RefusedError:  # no form can hold it: it is shown, and not offered to be changed
        text = {}
    entry = found.entry
    return visit.page(
        template,
        one=found,
        text=text,
        offered=offering.of_entry(visit.door, entry.entry_id, visit.now),
        agencies=offering.may_be_offered(visit.door, entry, visit.now),
        **words(visit),
    )


def _sent(visit: Visit) -> dict[str, str]:
    """The fields of the form; a vehicle without a plate is a description."""
    told = {name: visit.said(name) for name in COLUMNS}
    return {**told, "plate": told["plate"] or "*"}


def _save(visit: Visit, source: str, told: Mapping[str, str], entry_id: str = "") -> Response:
    """Done, or the form again with what was refused: nothing that was typed is lost."""
    only: Any = "listed" if entry_id else "new"
    was = entries.find(visit.door.streams, entry_id) if entry_id else None
    try:
        added = entries.add(visit.door, source, told, visit.now, only=only)
    except (RefusedError, RefusedInquiry) as error:
        status, said = said_of(error)
        return _form(visit, told, entry_id, said, status)
    if was is not None and was != added.entry:
        _take_back(visit, "The entry was changed.", was, added.entry)
    hits = "" if added.historical_hits is None else f"&hits={added.historical_hits}"
    if added.not_searched:
        hits = "&searched=no"
    return visit.see(f"/hotlist?done={'changed' if entry_id else 'added'}{hits}")


def _take_back(visit: Visit, said: str, was: HotListEntry, written: HotListEntry | None) -> None:
    """Offer to make the entry again what it `was`, as long as it is as it was `written`."""

    def back(later: Visit) -> str:
        entries.put_back(later.door, was, written, later.now)
        return "/hotlist?done=restored"

    undo.offer(visit, said, back)


def _form(
    visit: Visit, told: Mapping[str, str], entry_id: str = "", said: str = "", status: int = 200
) -> Response:
    allowed = designations(visit.door.streams)
    return visit.page(
        "hotlist_form.html",
        status,
        text={**dict.fromkeys(COLUMNS, ""), **told},
        entry_id=entry_id,
        refused=said,
        categories=allowed.categories,
        states=sorted(STATES),
        instructions=INSTRUCTIONS,
        **words(visit),
    )


def _choose(
    visit: Visit, said: str = "", status: int = 200, told: Mapping[str, str] | None = None
) -> Response:
    sources = designations(visit.door.streams).sources
    return visit.page(
        "hotlist_import.html",
        status,
        text={**dict.fromkeys(TOLD, ""), **(told or {})},
        refused=said,
        sources=sources,
        layouts=list(FORMATS),
        **words(visit),
    )


def _look(visit: Visit, kept: Upload, said: str = "", status: int = 200) -> Response:
    try:
        read = _parser(kept)
        file, source = io.BytesIO(kept.content), kept.told["source"]
        plan = preview(visit.door, file, kept.file, source, read, visit.now, _brought(kept))
    except RefusedError as error:
        visit.session.upload = None
        status, said = said_of(error)
        return _choose(visit, said, status, kept.told)
    visit.session.upload = kept = replace(kept, shown=_comes_to(plan))
    return visit.page("hotlist_preview.html", status, plan=plan, upload=kept, refused=said, **words(visit))


def _parser(kept: Upload) -> Parser:
    return parser(kept.told["layout"], kept.told["columns"], kept.told["delimiter"] or ",")


def _brought(kept: Upload) -> Brought:
    told = kept.told
    layout = layout_name(told["layout"] or "csv", told["columns"], told["delimiter"] or ",")
    return Brought(layout, None, told.get("signature", "").encode() or None)


def _comes_to(plan: Import) -> tuple[int, ...]:
    """What must be the same when it is done as when it was looked at. Of entries whose file names no expiry a
    few may be renewed between the two: changed ones are not counted.
    """
    return plan.added, len(plan.removed), plan.reasons.total()


def words(visit: Visit) -> dict[str, Any]:
    """What the templates of this section share. Acts are offered by role; the door judges."""
    roles = set(visit.console.roles(visit.session.who))
    agencies = visit.console.people()[0].agencies

    def named(name: str) -> str:
        return agencies[name].name if name in agencies else name

    def sender(entry: HotListEntry) -> str:
        return named(bolos.sender(entry))

    return {
        "may": {name: bool(roles & set(act.roles)) for name, act in BY_NAME.items()},
        "who_may": {name: " or ".join(act.roles) for name, act in BY_NAME.items()},
        "sender": sender,
        "named": named,
        "FAULTS": FAULTS,
        "KEPT_ELSEWHERE": CHECKED_SOURCES,
        "OWN": OWN_SOURCE,
        "PARTNER": PARTNER_SOURCE,
        "LINES": LINES,
    }


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 9 else None


ROUTES: Routes = {
    ("GET", "/hotlist"): listed,
    ("POST", "/hotlist"): listed,
    ("GET", "/hotlist/new"): new,
    ("POST", "/hotlist/new"): add,
    ("GET", "/hotlist/import"): choosing,
    ("POST", "/hotlist/import"): looking,
    ("POST", "/hotlist/import/sure"): bring,
    ("POST", "/hotlist/entry"): one,
    ("POST", "/hotlist/change"): changing,
    ("POST", "/hotlist/change/save"): change,
    ("POST", "/hotlist/remove"): removing,
    ("POST", "/hotlist/remove/sure"): remove,
    **{
        ("GET", f"/hotlist/{path}"): again
        for path in ("entry", "change", "change/save", "remove", "remove/sure", "import/sure")
    },
}
