"""Whether lists may be shared with an agency now: the one rule for what goes out and for what comes in."""

from datetime import datetime
from typing import Self

from operators.people import People, PeopleRules
from schemas.message import RefusedError
from schemas.partner_lists import LIST_KIND
from schemas.registry import RegistryRecord
from services import registry
from services.door import Door

NOT_POLICE = "it is no law enforcement agency: nobody is looked for on its behalf (I.2, I.4)"


class Sharing:
    """The registry as it is now, and what the agency's profile demands of others."""

    def __init__(self, people: People, rules: PeopleRules) -> None:
        self._people, self._rules = people, rules

    @classmethod
    def now(cls, door: Door) -> Self:
        """Read anew. Raises ProfileError."""
        return cls(*registry.who_is_who(door))

    @property
    def agencies(self) -> dict[str, RegistryRecord]:
        """By name, our own and ended ones too."""
        return self._people.agencies

    def against(self, name: str, at: datetime) -> str:
        """Why nothing of a list goes to this agency, or comes from it; empty where it may."""
        agency = self._people.agencies.get(name)
        if agency is not None and agency.own:
            return "this agency is no partner of itself"
        if objection := self._people.agency(name, at, self._rules):
            return objection.said
        if agency is not None and not agency.law_enforcement:
            return NOT_POLICE
        if agency is not None and agency.shares_kinds and LIST_KIND not in agency.shares_kinds:
            return f"the MOU with it names kinds of inquiry, and not {LIST_KIND} (I.2)"
        return ""

    def shows(self, name: str, camera: str) -> bool:
        """Whether this agency is told of what this camera of ours sees."""
        shared = self._people.agencies[name].shares_cameras
        return not shared or camera in shared

    def check(self, name: str, at: datetime) -> None:
        """Raises RefusedError where nothing may be shared."""
        if against := self.against(name, at):
            raise RefusedError("partners", f"{name[:64]}: {against}")
