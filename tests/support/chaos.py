"""Length of the tests that kill processes: one kill by `make test`, more by `make nightly`."""

import os

KILLS = int(os.environ.get("PLATESTREAM_TEST_KILLS", "1"))
OUTAGE_SECONDS = float(os.environ.get("PLATESTREAM_TEST_OUTAGE", "8"))
"""For how long a broker or a receiver is away."""
