"""The laws of other states, a module each: clauses with their sources, the feature that serves each, and its
checks.

A profile names its law (`[agency] law`); `platestream policy check` then goes through that law's clauses and
makes only the checks that they name. None of this is legal advice: a lawyer, not this program, says that what
an agency does suffices.
"""

from importlib import import_module
from typing import get_args

from platestream.policy.laws.law import Law, LawClause, Source
from platestream.schemas import profile
from platestream.schemas.profile import Profile

__all__ = ["LAWS", "Law", "LawClause", "Source", "law_of"]

LAWS: dict[str, Law] = {
    key: import_module(f"{__name__}.{key.replace('-', '_')}").LAW
    for key in sorted(get_args(profile.Law))
    if key
}
"""The law of each key that a profile may name, from the constant `LAW` of the module of that name."""


def law_of(profile: Profile) -> Law | None:
    """Return the law that a profile follows; None for the order 41.37."""
    return LAWS.get(profile.agency.law)
