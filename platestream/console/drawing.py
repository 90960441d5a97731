"""Templates: times of the agency, plates with what differs, and what is offered to whom."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from functools import cache, partial
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from platestream.console.visit import Visit
from schemas.acts import BY_NAME
from schemas.alert_hit import NOTICE
from schemas.hit_action import HitAction
from schemas.visible import visible
from services.page_text import seen


class Section(NamedTuple):
    """An entry of the navigation, offered to whoever may do one of the acts."""

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


class Drawing:
    """The templates, and what they have in common. `version` is of the files that pages load."""

    def __init__(self, zone: tzinfo, version: str) -> None:
        self._templates = _environment(zone, version)

    def prepare(self) -> None:
        """Compile the templates, so that nobody waits for it."""
        for name in self._templates.list_templates(extensions=["html"]):
            self._templates.get_template(name)

    def page(self, template: str, *, roles: Iterable[str], **shown: Any) -> str:
        """A template as HTML, with the sections for these roles."""
        offered = self.sections(roles)
        return self._templates.get_template(template).render(sections=offered, **shown)

    def sections(self, roles: Iterable[str]) -> list[Section]:
        """What is offered to whoever has these roles."""
        held = set(roles)
        return [one for one in SECTIONS if any(held & set(BY_NAME[act].roles) for act in one.acts)]


@cache
def _environment(zone: tzinfo, version: str) -> Environment:
    made = Environment(
        loader=PackageLoader("platestream.console"),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=seen,
    )
    made.globals.update(version=version, NOTICE=NOTICE, csrf=csrf, told=told)
    made.filters.update(
        local=partial(local, zone), day=partial(day, zone), field=partial(field, zone), marked=marked
    )
    return made


def local(zone: tzinfo, at: datetime | None) -> Markup:
    """An instant as clocks of the agency show it."""
    if at is None:
        return Markup()
    shown = at.astimezone(zone)
    return Markup(  # noqa: S704 - digits, and the name of a zone
        f'<time datetime="{at.isoformat()}">{shown:%Y-%m-%d %H:%M:%S} <small>{shown:%Z}</small></time>'
    )


def day(zone: tzinfo, at: datetime | None) -> str:
    """The day of an instant by the agency's clock, also for a field of a form."""
    return f"{at.astimezone(zone):%Y-%m-%d}" if at else ""


def field(zone: tzinfo, at: datetime | None) -> str:
    """An instant for a field of a form: the agency's clock, to the minute."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at else ""


def csrf(visit: Visit) -> Markup:
    """What each form proves with that it is of a page of ours."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(visit.session.csrf)


def told(step: HitAction) -> str:
    """What else a step of a hit says."""
    case = f"case {step.case_number}" if step.case_number else ""
    mark = "Actionable ALPR Hit Related" if step.actionable else ""
    stop = "vehicle stopped" if step.stopped else ""
    result = step.result.replace("_", " ")
    said = (step.checked_with.upper(), result, stop, step.mvd_result, step.note, case, mark)
    return "".join(f"; {one}" for one in said if one)


def marked(plate: str, places: Iterable[int]) -> Markup:
    """A plate with these characters marked."""
    differ = set(places)
    if not differ:
        return escape(visible(plate))
    return Markup("").join(
        Markup("<mark>{}</mark>").format(visible(char)) if place in differ else escape(visible(char))
        for place, char in enumerate(plate)
    )
