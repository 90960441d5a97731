"""Generator of the reference pages and of the view of acts.

`make generate` makes every other generated file, too.

python -m docs.generate           # write all
python -m docs.generate --check   # exit 1 if one differs from the code
"""

import sys
from pathlib import Path

from docs.generators.adapters import adapters
from docs.generators.api import api
from docs.generators.boards import boards
from docs.generators.commands import commands
from docs.generators.files import files
from docs.generators.metrics import metrics
from docs.generators.policy import acts, policy
from docs.generators.schemas import schemas
from docs.generators.settings import settings
from docs.generators.topics import topics
from platestream.schemas import acts_sql

REFERENCE = Path(__file__).parent / "reference"


def pages() -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    return {
        REFERENCE / "commands.md": commands(),
        REFERENCE / "settings.md": settings(),
        REFERENCE / "api.md": api(),
        REFERENCE / "topics.md": topics(),
        REFERENCE / "files.md": files(),
        REFERENCE / "adapters.md": adapters(),
        REFERENCE / "policy.md": policy(),
        REFERENCE / "acts.md": acts(),
        REFERENCE / "boards.md": boards(),
        REFERENCE / "metrics.md": metrics(),
        **{REFERENCE / "schemas" / name: text for name, text in schemas().items()},
        **acts_sql.files(),
    }


def main() -> None:
    """Write the pages, or compare them."""
    differing = [path for path, text in pages().items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in differing:
            sys.stderr.write(f"{path} is not what the code says: make generate\n")
        sys.exit(bool(differing))
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
