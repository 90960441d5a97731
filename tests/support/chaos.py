"""How long tests that kill processes go on: minutes in CI, hours by `make chaos`."""

import os

KILLS = int(os.environ.get("PLATESTREAM_TEST_KILLS", "3"))
OUTAGE_SECONDS = float(os.environ.get("PLATESTREAM_TEST_OUTAGE", "8"))
"""For how long a broker or a receiver is away."""
