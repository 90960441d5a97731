"""The machine, the settings and the database that are looked at. Nothing is made and nothing is changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import ConnectError, DatabaseError, Dsn, connect
from connectors.clock import Clock, kernel_synchronised, utc_now
from connectors.settings import Settings, SettingsError, load_settings
from services.doctor.finding import NotLookedAtError
from services.door import Clients, Door

PATIENCE = 10.0  # seconds for a server's first answer


@dataclass
class Here:
    """What checks look at. `environ` has names of settings, `certificates` are files that no setting names.

    Its properties raise NotLookedAtError where another check says already why there is nothing to look at.
    """

    environ: Mapping[str, str]
    certificates: tuple[Path, ...] = ()
    now: Clock = utc_now
    synchronised: Callable[[], bool | None] = kernel_synchronised

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process."""
        try:
            return load_settings()
        except SettingsError:
            raise NotLookedAtError("the settings cannot be read") from None

    @property
    def folder(self) -> Path:
        """The data folder, which is there."""
        data = self.settings.data
        if not data.is_dir():
            raise NotLookedAtError(f"the data folder {data} is not there")
        return data

    @cached_property
    def door(self) -> Door:
        """Who asks is not named: nothing that is looked at is an act."""
        return Door(self.settings, "", "platestream doctor", Clients(self.settings))

    def client(self, role: str) -> Client:
        """A connection in `role`. Raises DatabaseError where the account does not have it."""
        if self.unreachable is not None:
            raise NotLookedAtError("the database cannot be reached")
        return self.door.client(role)

    @cached_property
    def unreachable(self) -> ConnectError | DatabaseError | None:
        """Why the database cannot be reached. Tried once: a server that is away is waited for."""
        dsn, plain = self.settings.clickhouse, self.settings.allow_plaintext
        try:
            named = Dsn.parse(dsn)
            if named.scheme == "chdb" and not named.path.is_dir():
                return ConnectError("nothing is there yet")  # which connecting would make
            connect(dsn, allow_plaintext=plain, patience=PATIENCE).close()
        except (ConnectError, DatabaseError) as error:
            return error
        return None

    def close(self) -> None:
        """Close the connections."""
        if "door" in vars(self):
            self.door.close()
