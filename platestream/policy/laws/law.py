"""A law as a table of clauses."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from platestream.policy.checks.context import Answer, CheckData
from platestream.policy.table import CHECKS, Check

Read = Literal["text", "summary", "reported", "memory", "unread", "own"]
READ: dict[Read, str] = {
    "text": "the law's own text",
    "summary": "an account of the complete text, not the text itself",
    "reported": "what others say of this clause",
    "memory": "from memory: verify",
    "unread": "not read",
    "own": "no clause of the law",
}
SOUND = "system"
_SOUND = (
    *("rules", "ruled", "recorded", "administrator", "entitled"),
    *("records", "checked", "unlogged", "trained", "case_pattern", "resets", "sign_ins", "sessions"),
)


@dataclass(frozen=True)
class Source:
    """A source: its text, its place, its date, and the day on which it was read."""

    what: str
    where: str
    dated: str
    read: str


@dataclass(frozen=True)
class LawClause:
    """A clause: its requirement in short, how it was read and in which source (a key of the law's sources),
    the feature that serves it, and its checks by name. `people` is the reason why no machine can hold it.

    A clause that was not read, or is from memory, is at best not checked, never held.
    """

    number: str
    asks: str
    read: Read
    source: str = ""
    checks: tuple[str, ...] = ()
    people: str = ""

    @property
    def certain(self) -> bool:
        """True where enough of the clause was read to call it held."""
        return self.read not in ("memory", "unread")

    @property
    def needs(self) -> str:
        """The condition that would make the clause checkable; empty where its checks name it."""
        return "" if self.certain else "counsel's word on the text, which platestream/policy/laws then names"


@dataclass(frozen=True)
class Law:
    """A law. `checks` are all that its clauses name, with the numbers of these clauses."""

    key: str
    name: str
    sources: dict[str, Source]
    clauses: tuple[LawClause, ...]
    notes: tuple[str, ...]
    checks: tuple[Check, ...]


def law(
    key: str,
    name: str,
    sources: dict[str, Source],
    clauses: tuple[LawClause, ...],
    own: tuple[Check, ...] = (),
    notes: tuple[str, ...] = (),
) -> Law:
    """Build a law of its clauses, its own checks and those of the order that its clauses name. Raises
    ValueError for an unknown check or source.
    """
    clauses = (*clauses, _SYSTEM)
    known = {one.name: one for one in (*CHECKS, *own)}
    named = {check: [c.number for c in clauses if check in c.checks] for c in clauses for check in c.checks}
    if strange := (set(named) - set(known)) | {
        c.source for c in clauses if c.source and c.source not in sources
    }:
        raise ValueError(f"{key}: {', '.join(sorted(strange))}")
    order = [name for name in known if name in named]
    checks = tuple(replace(known[name], clauses=tuple(named[name])) for name in order)
    return Law(key, name, sources, clauses, notes, checks)


def clause(number: str, asks: str, read: Read, source: str, *names: str, people: str = "") -> LawClause:
    """Build a clause as a line of a table: `names` are its checks."""
    return LawClause(number, asks, read, source, names, people)


def check(name: str, what: str, where: str, run: Callable[[CheckData], Answer]) -> Check:
    """Build a check that a law makes besides those of the order."""
    return Check(name, (), what, where, run)


_SYSTEM = LawClause(
    SOUND,
    "What the checks of the clauses rest on",
    "own",
    checks=_SOUND,
)
