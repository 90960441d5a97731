"""Hot list pages: entries, entries that expire soon, sources with their age, and imports with a preview.

An entry's id may hold a case number, so it is sent in forms and never in addresses.
"""

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from starlette.datastructures import UploadFile
from starlette.responses import Response

from platestream.access.inquire import RefusedInquiry
from platestream.hotlist import bolos, entries, overview
from platestream.hotlist.entry import to_fields
from platestream.hotlist.files.formats import COLUMNS, FORMATS, MAP, layout_name, parser_of
from platestream.hotlist.files.lines import Parser
from platestream.hotlist.intake import import_file, preview
from platestream.hotlist.list_changes import Import, designations, registry
from platestream.hotlist.lookback_jobs import StartedLookBack
from platestream.hotlist.manifest import LARGEST_MANIFEST
from platestream.hotlist.origin import Delivery
from platestream.partners import offers
from platestream.schemas.acts import BY_NAME
from platestream.schemas.fields import STATES
from platestream.schemas.hotlist import (
    CHECKED_SOURCES,
    INSTRUCTIONS,
    OWN_MUST_HAVE,
    OWN_SOURCE,
    PARTNER_SOURCE,
    HotListEntry,
)
from platestream.schemas.message import RefusedError
from platestream.web import undo
from platestream.web.failures import error_response
from platestream.web.page_request import PageRequest, Routes
from platestream.web.sessions import Upload

SOON = timedelta(days=3)
LINES = 100
"""Refused lines, and entries that would go, that a page shows."""
LONGEST_NAME = 100
IMPORT_FIELDS = ("source", "layout", "columns", "delimiter")
FAULTS = {
    "": "",
    "expired": "expired, not alerting",
    "undesignated": "source or category not designated, not alerting",
}
DONE = {
    "added": "The entry is on the list.",
    "changed": "The entry is changed.",
    "unchanged": "The entry is unchanged.",
    "restored": "The entry is restored.",
    "removed": "The entry is removed. It stops alerting with the next read.",
}


def list_entries(request: PageRequest) -> Response:
    """Show the sources and a page of entries."""
    soon = request.field("expiring") == "yes"
    found = overview.overview(
        request.door,
        request.now,
        within=SOON if soon else None,
        page=_number(request.field("page")) or 1,
        **request.values("source", "reference", "plate"),
    )
    return request.page(
        "hotlist.html",
        found=found,
        now=request.now,
        filters=request.values("source", "reference", "plate", "expiring"),
        done=DONE.get(request.field("done"), ""),
        job=request.console.look_backs.find(request.field("look_back"), request.session.who),
        **shared_variables(request),
    )


def show_entry(request: PageRequest, template: str = "hotlist_entry.html") -> Response:
    """Show one entry, with all fields of section H of the order."""
    found = overview.one(request.door, request.field("entry"), request.now)
    try:
        text = to_fields(found.entry, request.console.zone)
    except RefusedError:  # a form cannot hold this entry: it is shown and cannot be changed
        text = {}
    entry = found.entry
    return request.page(
        template,
        one=found,
        text=text,
        offered=offers.of_entry(request.door, entry.entry_id, request.now),
        agencies=offers.may_be_offered(request.door, entry, request.now),
        **shared_variables(request),
    )


def remove(request: PageRequest) -> Response:
    """Remove the entry from the list."""
    was = entries.remove(request.door, request.field("entry"))
    if all(getattr(was, name).strip() for name in OWN_MUST_HAVE) and was.source != PARTNER_SOURCE:
        # The next file brings entries of a feed back, and another agency's offer can be accepted again.
        _RESTORE.offer(request, "The entry was removed.", EntryChange(was, None))
    return request.redirect("/hotlist?done=removed")


def add(request: PageRequest) -> Response:
    """Add a new entry to our own list."""
    return _save(request, OWN_SOURCE, _form_fields(request))


def edit_form(request: PageRequest) -> Response:
    """Show the form with the current entry."""
    entry = overview.one(request.door, request.field("entry"), request.now).entry
    return _form(request, to_fields(entry, request.console.zone), entry.entry_id)


def change(request: PageRequest) -> Response:
    """Change the entry."""
    source, _colon, reference = request.field("entry").partition(":")
    return _save(request, source, {**_form_fields(request), "reference": reference}, request.field("entry"))


def preview_import(request: PageRequest) -> Response:
    """Preview the changes of a file, and keep the file for the confirmation in place of an earlier one."""
    request.session.uploads.clear()
    sent = request.form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        return import_form(request, "Choose a file.", 400)
    name = "".join(char for char in sent.filename if char.isprintable())[-LONGEST_NAME:]
    fields = request.values(*IMPORT_FIELDS)
    signature = request.form.get("signature")
    if isinstance(signature, UploadFile):
        fields["signature"] = signature.file.read(LARGEST_MANIFEST).decode(errors="replace")
    return _preview(request, Upload(name, sent.file.read(), fields, ()))


def run_import(request: PageRequest) -> Response:
    """Import the waiting file and show the result. If it is refused, show its preview again."""
    name = request.field("upload")
    upload = request.session.uploads.get(name, request.now) if name else None
    if upload is None:
        return import_form(request, "The file has expired: it is kept for 10 minutes. Choose it again.", 409)

    search = StartedLookBack(request.console.look_backs, request.session.who)

    def judged(plan: Import) -> None:
        if _changes(plan) != upload.shown:
            raise RefusedError("import", "the list has changed since the preview: check the new preview")

    try:
        made = import_file(
            request.door,
            io.BytesIO(upload.content),
            upload.file,
            upload.fields["source"],
            _parser(request, upload),
            request.now,
            brought=_received_file(upload),
            force=request.field("force"),
            search=search,
            back=request.field("back") == "yes",
            judged=judged,
        )
    except (RefusedError, RefusedInquiry) as error:
        status, message = error_response(error)
        return _preview(request, upload, message, status)
    request.session.uploads.clear()
    shown = shared_variables(request)
    return request.page("hotlist_imported.html", made=made, upload=upload, job=search.job, **shown)


def show_look_back(request: PageRequest) -> Response:
    """Show the progress of a look-back, and then its finds, to the person who set it off."""
    job = request.console.look_backs.find(request.named("job"), request.session.who)
    if job is None:
        return request.refusal_page("This look-back is unknown: the console was restarted since.", 404)
    template = "look_back.html" if request.is_partial else "look_back_page.html"
    return request.page(template, job=job, LINES=LINES)


def repeat_look_back(request: PageRequest) -> Response:
    """Search all stored reads again for an entry; hits that are known are not reported again."""
    entry = entries.find(request.door.streams, request.field("entry"))
    if entry is None:
        raise RefusedError("entry", "this entry is not on the list any more")
    job = request.console.look_backs.start(request.door, [entry], request.now, request.session.who)
    return request.redirect(f"/hotlist/look-backs/{job.name}")


def redirect_to_list(request: PageRequest) -> Response:
    """Redirect pages that only forms lead to, to the list."""
    return request.redirect("/hotlist")


def _form_fields(request: PageRequest) -> dict[str, str]:
    """Return the fields of the form; a vehicle without a plate is a description."""
    fields = request.values(*COLUMNS)
    return {**fields, "plate": fields["plate"] or "*"}


def _save(request: PageRequest, source: str, fields: Mapping[str, str], entry_id: str = "") -> Response:
    """Save the entry, or show the form again with the refusal and all that was typed."""
    only: Any = "listed" if entry_id else "new"
    was = entries.find(request.door.streams, entry_id) if entry_id else None
    search = StartedLookBack(request.console.look_backs, request.session.who)
    try:
        added = entries.add(request.door, source, fields, request.now, search=search, only=only)
    except (RefusedError, RefusedInquiry) as error:
        status, message = error_response(error)
        return _form(request, fields, entry_id, message, status)
    if was is not None and was != added.entry:
        _RESTORE.offer(request, "The entry was changed.", EntryChange(was, added.entry))
    return request.redirect(f"/hotlist?done={'changed' if entry_id else 'added'}&look_back={search.name}")


class EntryChange(msgspec.Struct, frozen=True):
    """An entry as it `was`, which is restored while it is as it was `written` then; None: removed."""

    was: HotListEntry
    written: HotListEntry | None


def _restore(later: PageRequest, change: EntryChange) -> str:
    entries.restore(later.door, change.was, change.written, later.now)
    return "/hotlist?done=restored"


_RESTORE = undo.Action("entry", EntryChange, _restore)


def _form(
    request: PageRequest,
    fields: Mapping[str, str] | None = None,
    entry_id: str = "",
    message: str = "",
    status: int = 200,
) -> Response:
    """Show the form of an entry; without `fields` an empty one."""
    allowed = designations(request.door.streams)
    return request.page(
        "hotlist_form.html",
        status,
        text={**dict.fromkeys(COLUMNS, ""), **(fields or {})},
        entry_id=entry_id,
        refused=message,
        categories=allowed.categories,
        states=sorted(STATES),
        instructions=INSTRUCTIONS,
        **shared_variables(request),
    )


def import_form(
    request: PageRequest, message: str = "", status: int = 200, fields: Mapping[str, str] | None = None
) -> Response:
    """Show the form for a file."""
    sources = designations(request.door.streams).sources
    return request.page(
        "hotlist_import.html",
        status,
        text={**dict.fromkeys(IMPORT_FIELDS, ""), **(fields or {})},
        refused=message,
        sources=sources,
        layouts=[*FORMATS, MAP],
        **shared_variables(request),
    )


def _preview(request: PageRequest, upload: Upload, message: str = "", status: int = 200) -> Response:
    try:
        read = _parser(request, upload)
        file, source = io.BytesIO(upload.content), upload.fields["source"]
        plan = preview(request.door, file, upload.file, source, read, request.now, _received_file(upload))
    except RefusedError as error:
        request.session.uploads.clear()
        status, message = error_response(error)
        return import_form(request, message, status, upload.fields)
    upload = replace(upload, shown=_changes(plan))
    request.session.uploads.put(upload.name, upload, request.now)
    return request.page(
        "hotlist_preview.html", status, plan=plan, upload=upload, refused=message, **shared_variables(request)
    )


def _parser(request: PageRequest, upload: Upload) -> Parser:
    fields = upload.fields
    feed = registry(request.door.streams).get(f"hotlist_source/{fields['source']}")
    return parser_of(feed, fields["layout"], fields["columns"], fields["delimiter"] or ",")


def _received_file(upload: Upload) -> Delivery:
    fields = upload.fields
    layout = layout_name(fields["layout"] or "csv", fields["columns"], fields["delimiter"] or ",")
    return Delivery(layout, None, fields.get("signature", "").encode() or None)


def _changes(plan: Import) -> tuple[int, ...]:
    """Return the part of a plan that must be the same at the import as in the preview. Entries whose file
    names no expiry may be renewed between the two, so changed entries are not counted.
    """
    return plan.added, len(plan.removed), plan.reasons.total()


def shared_variables(request: PageRequest) -> dict[str, Any]:
    """Return the variables that the templates of this section share. Acts are offered by role; the door
    decides.
    """
    agencies = request.console.people()[0].agencies

    def named(name: str) -> str:
        return agencies[name].name if name in agencies else name

    def sender(entry: HotListEntry) -> str:
        return named(bolos.sender(entry))

    return {
        "may": {name: request.may(name) for name in BY_NAME},
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
    ("GET", "/hotlist"): list_entries,
    ("POST", "/hotlist"): list_entries,
    ("GET", "/hotlist/new"): _form,
    ("POST", "/hotlist/new"): add,
    ("GET", "/hotlist/import"): import_form,
    ("POST", "/hotlist/import"): preview_import,
    ("POST", "/hotlist/import/sure"): run_import,
    ("GET", "/hotlist/look-backs/{job}"): show_look_back,
    ("POST", "/hotlist/look-backs"): repeat_look_back,
    ("POST", "/hotlist/entry"): show_entry,
    ("POST", "/hotlist/change"): edit_form,
    ("POST", "/hotlist/change/save"): change,
    ("POST", "/hotlist/remove"): partial(show_entry, template="hotlist_remove.html"),
    ("POST", "/hotlist/remove/sure"): remove,
    **{
        ("GET", f"/hotlist/{path}"): redirect_to_list
        for path in ("entry", "change", "change/save", "remove", "remove/sure", "import/sure")
    },
}
