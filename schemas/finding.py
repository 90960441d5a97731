"""A finding: what the checks of the audit flow have to say about an inquiry."""

from typing import Literal
from uuid import UUID, uuid5

from schemas.fields import Instant, Record, Text
from schemas.inquiry import Inquiry

Grade = Literal["breach", "unusual", "note"]
_NAMESPACE = UUID("0f2d54a1-6d0e-4a52-9d0c-2b7f0a6f4a11")


class Finding(Record, tag="finding/1", frozen=True, kw_only=True):
    """Who and when, and the rule; never what was searched."""

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
        """The same inquiry and rule are the same finding, however often it is found."""
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
