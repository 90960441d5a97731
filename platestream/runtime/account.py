"""Account of the operating system that runs this process."""

import os
import pwd


def system_account() -> str:
    """Return the operating system account that started this process.

    It is determined by the real user id; environment variables such as USER do not count.
    """
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user may have no name
        return f"uid-{uid}"
