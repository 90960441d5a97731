"""The rule by which lists may be shared with an agency now, in both directions."""

from datetime import datetime
from typing import Self

from platestream.access import registry
from platestream.access.door import Door
from platestream.operators.people import People, PeopleRules
from platestream.schemas.message import RefusedError
from platestream.schemas.partner_lists import LIST_KIND
from platestream.schemas.registry import RegistryRecord

NOT_POLICE = "it is no law enforcement agency: nobody is looked for on its behalf (I.2, I.4)"


class Sharing:
    """The current registry, and the profile's requirements of other agencies."""

    def __init__(self, people: People, rules: PeopleRules) -> None:
        self._people, self._rules = people, rules

    @classmethod
    def now(cls, door: Door) -> Self:
        """Read the registry again. Raises ProfileError."""
        return cls(*registry.load_people(door))

    @property
    def agencies(self) -> dict[str, RegistryRecord]:
        """The agencies by name, our own and ended ones included."""
        return self._people.agencies

    def objection(self, name: str, at: datetime) -> str:
        """Return why nothing of a list may be sent to this agency or accepted from it; empty where it may."""
        agency = self._people.agencies.get(name)
        if agency is not None and agency.own:
            return "this agency is no partner of itself"
        if objection := self._people.agency(name, at, self._rules):
            return objection.text
        if agency is not None and not agency.law_enforcement:
            return NOT_POLICE
        if agency is not None and agency.shares_kinds and LIST_KIND not in agency.shares_kinds:
            return f"the MOU with it names kinds of inquiry, and not {LIST_KIND} (I.2)"
        return ""

    def shows(self, name: str, camera: str) -> bool:
        """Return whether this agency receives hits of this camera of ours."""
        shared = self._people.agencies[name].shares_cameras
        return not shared or camera in shared

    def check(self, name: str, at: datetime) -> None:
        """Raise RefusedError where nothing may be shared."""
        if against := self.objection(name, at):
            raise RefusedError("partners", f"{name[:64]}: {against}")
