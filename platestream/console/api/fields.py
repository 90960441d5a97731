"""What several requests and answers of the API have in common."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.door import Why
from services.inquiries.gate import MOST_VEHICLES

Text = Annotated[str, Field(max_length=2000)]
Name = Annotated[str, Field(max_length=64)]
Pattern = Annotated[
    str, Field(max_length=32, description="A plate; `*` stands for any characters, `?` for one.")
]
Plate = Annotated[str, Field(min_length=1, max_length=16)]
Cameras = Annotated[tuple[Name, ...], Field(max_length=100, description="Only these; empty: all.")]
Time = Annotated[
    AwareDatetime,
    Field(
        ge=datetime(1970, 1, 1, tzinfo=UTC),
        lt=datetime(2100, 1, 1, tzinfo=UTC),
        description="RFC 3339 with an offset, from 1970 to 2099.",
    ),
]
MOST = 1000
Most = Annotated[int, Field(ge=1, le=MOST, description="The newest so many.")]


class Asked(BaseModel):
    """A body; a field that is not known is refused, so that none is mistyped in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Documented(Asked):
    """Why data is looked at: a case number or a reason, and what else the agency's rules ask for."""

    case_number: Text = ""
    reason: Text = ""
    purpose: Annotated[Text, Field(description="One of the agency's, where it lists purposes.")] = ""
    violation: Annotated[Text, Field(description="What is investigated, where the purpose asks for it.")] = ""
    requester: Annotated[Text, Field(description="Who asked, for a request from outside.")] = ""
    legal_basis: Annotated[Text, Field(description="What entitles them.")] = ""

    @property
    def why(self) -> Why:
        """For the door."""
        return Why(
            case_number=self.case_number,
            reason=self.reason,
            purpose=self.purpose,
            violation=self.violation,
            requester=self.requester,
            legal_basis=self.legal_basis,
        )


class Where(Documented):
    """Why, and where and when; without `since` the last 30 days."""

    cameras: Cameras = ()
    since: Time | None = None
    until: Time | None = None


class Vehicles(Where):
    """Place and time of a search, and the number of different vehicles to show."""

    vehicles: Annotated[
        int, Field(ge=0, le=MOST_VEHICLES, description="Different vehicles shown at most; 0: 50.")
    ] = 0

    @property
    def why(self) -> Why:
        """For the door."""
        return Why(**super().why, vehicles=self.vehicles)


class Told(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)
