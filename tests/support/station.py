"""A police station of a state, for tests of the laws that its profile names."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from platestream.access import gate, rules_in_force
from platestream.access.door import Clients, Door
from platestream.access.profiles import load
from platestream.edges.clickhouse_client import ANALYST
from platestream.policy import service as checking
from platestream.policy.laws import law_of
from platestream.schemas.profile import Profile
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import DAY, Agency, user
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of


@dataclass(frozen=True)
class Station(Agency):
    """An agency that follows a law, from so long ago on."""

    name: str = ""

    @property
    def profile(self) -> Profile:
        return load(self.name)

    def door(self, who: str = "chief") -> Door:
        door = door_of(self.database, who, data=self.data)
        settings = door.settings.model_copy(update={"profile": self.name})
        return Door(settings, who, "test", Clients(settings))

    def said(self, *checks: str, **changes: Any) -> dict[str, checking.Result]:
        fields = {"profile": self.profile, "profile_name": self.name, **changes}
        law = law_of(self.profile)
        assert law is not None
        wanted = [one for one in law.checks if one.name in checks]
        return {one.check.name: one for one in checking.run(self.live(**fields), wanted)}

    def verdict(self, check: str, **changes: Any) -> tuple[str, str]:
        one = self.said(check, **changes)[check]
        return one.outcome, "; ".join([*one.faults, *(gap.why for gap in one.gaps)])

    def search(self, who: str = "smith", **changes: Any) -> list[gate.Row]:
        asked = {"case_number": "26-001", "pattern": "ABC*", **changes}
        return gate.search(self.database.client(ANALYST), who=who, **asked)

    def since(self, days: float) -> None:
        """The profile has been in force since then, and a search was made then."""
        at = NOW - days * DAY
        when = f"{at:%Y-%m-%d %H:%M:%S}"
        self.sql(f"INSERT INTO platestream.gate_rules (set_at, profile) VALUES ('{when}', '{self.name}')")
        self.log(at=at, purpose="vehicle used in a crime", violation="burglary", case_number="26-0101")


def station(database: Database, folder: Path, name: str) -> Station:
    made = Station(database, folder / "data", name)
    rules_in_force.put_in_force(door_of(database, "chief", data=made.data), name, "Chief of Police")
    made.put(
        RegistryRecord(kind="agency", id="own", name="Own PD", own=True, state=load(name).agency.state),
        user("chief", agency="own"),
        user("smith", "officer", agency="own"),
    )
    return made


@pytest.fixture
def under(database: Database, tmp_path: Path) -> Callable[[str], Station]:
    return lambda name: station(database, tmp_path, name)
