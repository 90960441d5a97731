"""Generator of the reference pages and of the view of acts.

`make generate` makes every other generated file, too.

python -m docs.generate           # write all
python -m docs.generate --check   # exit 1 if one differs from the code
"""

import sys
from pathlib import Path

from docs.generators.adapters import adapters
from docs.generators.api import api
from docs.generators.commands import commands
from docs.generators.files import files
from docs.generators.settings import settings
from docs.generators.topics import topics
from platestream.boards import docs as board_docs
from platestream.policy import docs as policy_docs
from platestream.schemas import acts_sql, metric_docs, schema_docs

REFERENCE = Path(__file__).parent / "reference"


def pages() -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    schemas = {REFERENCE / "schemas" / name: text for name, text in schema_docs.pages().items()}
    return {
        REFERENCE / "commands.md": commands(),
        REFERENCE / "settings.md": settings(),
        REFERENCE / "api.md": api(),
        REFERENCE / "topics.md": topics(),
        REFERENCE / "files.md": files(),
        REFERENCE / "adapters.md": adapters(),
        policy_docs.PAGE: policy_docs.page(),
        policy_docs.ACTS_PAGE: policy_docs.acts_page(policy_docs.ACTS_PAGE.read_text()),
        board_docs.PAGE: board_docs.page(),
        metric_docs.PAGE: metric_docs.page(),
        **acts_sql.files(),
        **schemas,
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
