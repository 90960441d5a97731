"""Finding: the result of a check of the audit flow on an inquiry."""

from typing import Literal
from uuid import UUID, uuid5

from platestream.schemas.fields import Instant, Record, Text
from platestream.schemas.inquiry import Inquiry

Grade = Literal["breach", "unusual", "note"]
_NAMESPACE = UUID("0f2d54a1-6d0e-4a52-9d0c-2b7f0a6f4a11")


class Finding(Record, tag="finding/1", frozen=True, kw_only=True):
    """A rule that an inquiry violates, with the person and the time; never the content of the search."""

    finding_id: UUID
    inquiry_id: UUID
    at: Instant
    who: str
    agency: str
    kind: str
    rule: str
    grade: Grade
    detail: Text

    @classmethod
    def of(cls, inquiry: Inquiry, rule: str, grade: Grade, detail: str) -> "Finding":
        """Return the finding of a rule. Its id depends on the inquiry and the rule only."""
        return cls(
            finding_id=uuid5(_NAMESPACE, f"{inquiry.inquiry_id}/{inquiry.at.isoformat()}/{rule}"),
            inquiry_id=inquiry.inquiry_id,
            at=inquiry.at,
            who=inquiry.who,
            agency=inquiry.agency,
            kind=inquiry.kind,
            rule=rule,
            grade=grade,
            detail=detail,
        )
