"""Source files of the product: what is installed, and of that what people see and what serves them."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("schemas", "operators", "flows", "clickhouse", "platestream")
SHOWN = {"pages", "commands", "api", "http_server", "web", "cli", "demo"}
PRODUCT = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
INTERFACES = [path for path in PRODUCT if SHOWN & set(path.relative_to(ROOT).with_suffix("").parts)]
SERVICES = [
    path
    for path in (ROOT / "platestream").rglob("*.py")
    if path not in INTERFACES
    and not {"edges", "engine", "reading", "runtime", "merkle"} & set(path.relative_to(ROOT).parts)
]
