"""The laws of other states, clause by clause, each with what was read of it, what serves it and its checks.

A profile names its law (`[agency] law`); `platestream policy check` then goes through that law's clauses and
makes the checks that they name, and no other. None of this is legal advice: a lawyer, not this program, says
that what an agency does suffices.
"""

from schemas.profile import Profile
from services.policy.laws.law import Law, LawClause, Source
from services.policy.laws.new_jersey import NEW_JERSEY
from services.policy.laws.oregon import OREGON
from services.policy.laws.virginia import VIRGINIA
from services.policy.laws.washington import WASHINGTON

__all__ = ["LAWS", "Law", "LawClause", "Source", "law_of"]

LAWS: dict[str, Law] = {one.key: one for one in (NEW_JERSEY, OREGON, VIRGINIA, WASHINGTON)}


def law_of(profile: Profile) -> Law | None:
    """The law that a profile follows; None: the order 41.37."""
    return LAWS.get(profile.agency.law)
