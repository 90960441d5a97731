"""Template rendering: times of the agency, plates with marked differences, and sections by role."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from functools import cache, partial
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from platestream.runtime.html_text import escape_text
from platestream.schemas.acts import BY_NAME
from platestream.schemas.alert_hit import NOTICE
from platestream.schemas.escape_invisible import escape_invisible
from platestream.schemas.hit_action import HitAction
from platestream.web.help import guide_address
from platestream.web.page_request import PageRequest

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SUBJECTS = sorted(folder.name for folder in files("platestream").iterdir() if (folder / "templates").is_dir())
"""Packages with templates. No two templates have one name; a test finds those that do."""


class Section(NamedTuple):
    """Entry of the navigation, offered to people who may do one of its acts."""

    path: str
    title: str
    acts: tuple[str, ...]


SECTIONS = (
    Section("/hits", "Hits", ("hits",)),
    Section("/search", "Search", ("search",)),
    Section("/evidence", "Evidence", ("evidence_show",)),
    Section("/hotlist", "Hot list", ("hotlist_show",)),
    Section("/audit", "Audit", ("audit_show",)),
    Section("/administration", "Administration", ("registry_user", "registry_incident")),
)


SHORTCUTS = {
    "/hits": "h",
    "/search": "s",
    "/evidence": "e",
    "/hotlist": "l",
    "/audit": "a",
    "/administration": "d",
}
"""Key that leads to a section, after `g`."""


class Templates:
    """Templates and their globals. `version` identifies the files that pages load."""

    def __init__(self, zone: tzinfo, version: str) -> None:
        self._templates = _environment(zone, version)

    def prepare(self) -> None:
        """Compile the templates, so that the first page is fast."""
        for name in self._templates.list_templates(extensions=["html"]):
            self._templates.get_template(name)

    def page(self, template: str, *, roles: Iterable[str], **shown: Any) -> str:
        """Render a template as HTML, with the sections for these roles."""
        offered = self.sections(roles)
        return self._templates.get_template(template).render(sections=offered, **shown)

    def sections(self, roles: Iterable[str]) -> list[Section]:
        """Return the sections for these roles."""
        held = set(roles)
        return [one for one in SECTIONS if any(held & set(BY_NAME[act].roles) for act in one.acts)]


@cache
def _environment(zone: tzinfo, version: str) -> Environment:
    made = Environment(
        loader=ChoiceLoader([PackageLoader(f"platestream.{subject}") for subject in SUBJECTS]),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=escape_text,
    )
    made.globals.update(version=version, NOTICE=NOTICE, Markup=Markup)
    made.globals.update(boards_address=boards_address, SHORTCUTS=SHORTCUTS)
    made.globals.update(csrf=csrf, step_details=step_details, guide_address=guide_address)
    made.filters.update(
        local=partial(local, zone), day=partial(day, zone), field=partial(field, zone), marked=marked
    )
    return made


def boards_address(request: PageRequest) -> str:
    """Return the address of the boards of `platestream up`, for a browser on this machine; empty else."""
    host, port = request.http.url.hostname or "", request.console.boards_port
    return f"http://{host}:{port}/" if port and host in LOOPBACK else ""


def local(zone: tzinfo, at: datetime | None) -> Markup:
    """Format an instant in the agency's time zone."""
    if at is None:
        return Markup()
    shown = at.astimezone(zone)
    return Markup(  # noqa: S704 - digits, and the name of a zone
        f'<time datetime="{at.isoformat()}">{shown:%Y-%m-%d %H:%M:%S} <small>{shown:%Z}</small></time>'
    )


def day(zone: tzinfo, at: datetime | None) -> str:
    """Format the day of an instant in the agency's time zone, also for a form field."""
    return f"{at.astimezone(zone):%Y-%m-%d}" if at else ""


def field(zone: tzinfo, at: datetime | None) -> str:
    """Format an instant for a form field, in the agency's time zone, to the minute."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at else ""


def csrf(request: PageRequest) -> Markup:
    """Return the hidden field that proves that a form came from one of our pages."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(request.session.csrf)


def step_details(step: HitAction) -> str:
    """Return the details of a step of a hit."""
    case = f"case {step.case_number}" if step.case_number else ""
    mark = "Actionable ALPR Hit Related" if step.actionable else ""
    stop = "vehicle stopped" if step.stopped else ""
    result = step.result.replace("_", " ")
    parts = (step.checked_with.upper(), result, stop, step.mvd_result, step.note, case, mark)
    return "".join(f"; {one}" for one in parts if one)


def marked(plate: str, places: Iterable[int]) -> Markup:
    """Return a plate with these characters marked."""
    differ = set(places)
    if not differ:
        return escape(escape_invisible(plate))
    shown = [escape(escape_invisible(char)) for char in plate]
    return Markup(  # noqa: S704 - each character was escaped
        "".join(f"<mark>{one}</mark>" if place in differ else one for place, one in enumerate(shown))
    )
