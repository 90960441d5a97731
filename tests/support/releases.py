"""Other releases as trees of files that this environment runs: an older commit, and the next one.

The next one is this tree with what an additive release changes: a field in what it writes to topics and in
each state of the recovery store, a migration with a column and rows that fill it, and another text of a view.
"""

import re
import shutil
import subprocess
from pathlib import Path

from tests.support.up import ROOT, System

INSTALLED = ("flows", "operators", "schemas", "clickhouse", "platestream")
OLD, NEW = 3, 5
"""What the column `lane` has in rows of this release, and of the next."""
MIGRATION = f"""-- older releases: run
ALTER TABLE platestream.detections ADD COLUMN IF NOT EXISTS lane UInt8 DEFAULT {OLD} COMMENT 'of the next';
"""
LATER = "of the next release"
_FIELD = f'    stored_later: str = "{LATER}"\n'
_CHANGES = (
    *(
        (name, before, before + _FIELD)
        for name, before in (
            ("operators/consensus.py", "    views: Views = msgspec.field(default_factory=Views)\n"),
            ("operators/match.py", "    batches: list[tuple[int, int]] = []\n"),
            ("operators/inquiry_checks/logic.py", "    people: dict[str, Person] = {}\n"),
            ("operators/notify/message.py", '    content: str = ""\n'),
            ("schemas/alert_hit.py", "    notice: str = NOTICE\n"),
        )
    ),
    (
        "schemas/fields.py",
        "        return msgspec.json.encode(self)\n",
        "        told = msgspec.json.encode(self)\n"
        "        strict = self.__struct_config__.forbid_unknown_fields\n"
        '        return told if strict else told[:-1] + b\',"added_later":{"of":"the next release"}}\'\n',
    ),
    (
        "schemas/tables.py",
        "    alternatives=lambda one:",
        f"    lane=lambda _one: {NEW},\n    alternatives=lambda one:",
    ),
    ("schemas/tables.py", '"detection_id captured_at best_at', '"lane detection_id captured_at best_at'),
)


def next_release(folder: Path) -> Path:
    """A tree in `folder`, made from this one."""
    for name in INSTALLED:
        shutil.copytree(
            ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    (folder / "clickhouse" / "migrations" / "9000_next.sql").write_text(MIGRATION)
    for name, before, after in _CHANGES:
        file = folder / name
        text = file.read_text()
        assert before in text, f"{name} has no {before!r} any more: the next release has to be made otherwise"
        file.write_text(text.replace(before, after, 1))
    view = folder / "clickhouse" / "views" / "hits.sql"
    view.write_text(f"-- of the next release\n{view.read_text()}")
    return folder


def older_release(commit: str, folder: Path) -> Path:
    """The tree of a commit in `folder`; it runs where its requirements are those of this environment."""
    folder.mkdir()
    result = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=result, check=True)
    return folder


def move(system: System, tree: Path, *names: str) -> None:
    """Run these processes of a running system from another tree, one after the other: a rolling upgrade."""
    supervisor = system.supervisor
    config = supervisor.folder / "supervisord.conf"
    for name in names:
        head, mark, rest = config.read_text().partition(f"[program:{name}]\n")
        assert mark, f"{name} is no process of this system"
        here = f" env --chdir={tree} PYTHONPATH={tree} "
        config.write_text(head + mark + re.sub(r" env (--chdir=\S+ PYTHONPATH=\S+ )?", here, rest, count=1))
        supervisor._ask("stopProcess", name)
        supervisor._ask("reloadConfig")
        supervisor._ask("removeProcessGroup", name)
        supervisor._ask("addProcessGroup", name)
        if name not in {one.name for one in supervisor.states() if one.pid}:  # the first are started at once
            supervisor._ask("startProcess", name, False)
