"""`docs/schemas`: what crosses the topics, for whoever writes a camera gateway or reads a topic.

python -m schemas.schema_docs
"""

import json
from pathlib import Path

from schemas.catalogue import RECORDS, example, json_schema

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"

INTRODUCTION = """# What crosses the topics

Made by `python -m schemas.schema_docs` from `schemas/`; a test holds both together. Each record has a
JSON Schema beside this page, an accepted example, and a refused one with the words that say why.

A frame is the exception: its value is the picture (JPEG, PNG or WebP) as the camera made it, and the schema
describes its Kafka headers. Further headers that start with `vehicle-` identify the vehicle and are kept.
"""


def pages() -> dict[str, str]:
    """File name -> text of every page."""
    schemas = {f"{name}.schema.json": _pretty(json_schema(name)) for name in RECORDS}
    return {**schemas, "README.md": INTRODUCTION + "".join(_section(name) for name in RECORDS)}


def _section(name: str) -> str:
    shown = example(name)
    accepted, refused = (_pretty(json.loads(bytes(raw))) for raw in (shown.accepted, shown.refused))
    return (
        f"\n## {name}\n\n{(RECORDS[name].__doc__ or '').strip().splitlines()[0]}\n\n"
        f"[{name}.schema.json]({name}.schema.json)\n\nAccepted:\n\n```json\n{accepted}```\n\n"
        f"Refused (`{shown.because}`):\n\n```json\n{refused}```\n"
    )


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
