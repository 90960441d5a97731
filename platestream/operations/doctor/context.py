"""The machine, the settings and the database that are checked. Nothing is created or changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from clickhouse_connect.driver.client import Client

from platestream.access.door import Clients, Door
from platestream.edges.clickhouse_client import ConnectError, DatabaseError, Dsn, connect
from platestream.operations.doctor.finding import NotCheckedError
from platestream.runtime.clock import Clock, kernel_synchronised, utc_now
from platestream.runtime.encrypted_disks import is_encrypted, unencrypted_swaps
from platestream.settings import Settings, SettingsError, load_settings

PATIENCE = 10.0  # seconds to wait for a server's first answer


@dataclass
class CheckContext:
    """The subject of the checks. `environ` has names of settings, `certificates` are files that no setting
    names.

    Its properties raise NotCheckedError where another check already reports why something cannot be checked.
    """

    environ: Mapping[str, str]
    certificates: tuple[Path, ...] = ()
    now: Clock = utc_now
    synchronised: Callable[[], bool | None] = kernel_synchronised
    swaps: Callable[[], list[str]] = unencrypted_swaps
    encrypted: Callable[[Path], bool] = is_encrypted

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process."""
        try:
            return load_settings()
        except SettingsError:
            raise NotCheckedError("the settings cannot be read") from None

    @property
    def folder(self) -> Path:
        """The data folder, which exists."""
        data = self.settings.data
        if not data.is_dir():
            raise NotCheckedError(f"the data folder {data} is not there")
        return data

    @cached_property
    def door(self) -> Door:
        """A door without a person, because no check is an act."""
        return Door(self.settings, "", "platestream doctor", Clients(self.settings))

    def client(self, role: str) -> Client:
        """Return a connection in `role`. Raises DatabaseError where the account does not have it."""
        if self.unreachable is not None:
            raise NotCheckedError("the database cannot be reached")
        return self.door.client(role)

    @cached_property
    def unreachable(self) -> ConnectError | DatabaseError | None:
        """The reason why the database cannot be reached. It is tried once, because each try waits for the
        server.
        """
        dsn, plain = self.settings.clickhouse, self.settings.allow_plaintext
        try:
            named = Dsn.parse(dsn)
            if named.scheme == "chdb" and not named.path.is_dir():
                return ConnectError("nothing is there yet")  # connecting would make it
            connect(dsn, allow_plaintext=plain, patience=PATIENCE).close()
        except (ConnectError, DatabaseError) as error:
            return error
        return None

    def close(self) -> None:
        """Close the connections."""
        if "door" in vars(self):
            self.door.close()
