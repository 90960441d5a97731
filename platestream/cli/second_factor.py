"""Second factor of a command, where the rules require one: a sign-in of the last minutes."""

from platestream.access import terminals
from platestream.access.device_client import DeviceClient
from platestream.access.door import Door
from platestream.access.registry import load_people_and_cameras
from platestream.runtime import sign_in_file
from platestream.schemas.message import RefusedError

MINUTES = terminals.CONFIRMED_FOR.seconds // 60


def require_second_factor(door: Door) -> None:
    """Raise RefusedError if the rules require a second factor of the person of `door`, and the console does
    not confirm that they signed this command line in a moment ago.
    """
    user = load_people_and_cameras(door)[0].users.get(door.who)
    roles = user.roles if user is not None else ()
    if not door.rules.profile.sign_in.requires_second_factor(roles):
        return
    found = sign_in_file.read(door.settings.sign_in_file)
    if found is None or DeviceClient(found.console).confirmed_by(found.text) != door.who:
        raise RefusedError(
            "second_factor",
            f"this needs your second factor: platestream sign-in, and this again within {MINUTES} minutes",
        )
