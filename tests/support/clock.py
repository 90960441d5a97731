"""Now, for tests whose database judges by its own clock: the moment when this process began to test.

Tests that need no database take a fixed moment instead, so that they say the same at midnight.
"""

from datetime import UTC, datetime

NOW = datetime.now(UTC).replace(microsecond=0)
