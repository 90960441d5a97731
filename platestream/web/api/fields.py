"""Fields that several requests and answers of the API share."""

from datetime import UTC, datetime
from typing import Annotated, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from platestream.access.door import Documentation
from platestream.access.gate import MOST_VEHICLES

Text = Annotated[str, Field(max_length=2000)]
Name = Annotated[str, Field(max_length=64)]
Pattern = Annotated[str, Field(max_length=32, description="A plate; `*` matches any characters, `?` one.")]
Plate = Annotated[str, Field(min_length=1, max_length=16)]
Cameras = Annotated[tuple[Name, ...], Field(max_length=100, description="Only these cameras; empty: all.")]
Time = Annotated[
    AwareDatetime,
    Field(
        ge=datetime(1970, 1, 1, tzinfo=UTC),
        lt=datetime(2100, 1, 1, tzinfo=UTC),
        description="RFC 3339 with an offset, from 1970 to 2099.",
    ),
]
MOST = 1000
Most = Annotated[int, Field(ge=1, le=MOST, description="Largest number of results, newest first.")]


class RequestModel(BaseModel):
    """Request body that refuses unknown fields, so that a mistyped one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Justification(RequestModel):
    """Documentation of a query: a case number or a reason, and the other fields that the agency's rules
    require.
    """

    case_number: Text = ""
    reason: Text = ""
    purpose: Annotated[Text, Field(description="One of the agency's purposes, if it lists any.")] = ""
    violation: Annotated[
        Text, Field(description="Violation under investigation, if the purpose requires it.")
    ] = ""
    requester: Annotated[
        Text, Field(description="Requester, for a request from outside law enforcement.")
    ] = ""
    legal_basis: Annotated[Text, Field(description="Legal basis of that request.")] = ""

    @property
    def why(self) -> Documentation:
        """Return the documentation for the door."""
        fields = self.model_dump(include=set(Justification.model_fields))
        return cast(Documentation, fields)


class PlaceAndTime(Justification):
    """Documentation, place and time of a query; without `since` the last 30 days."""

    cameras: Cameras = ()
    since: Time | None = None
    until: Time | None = None


class Vehicles(PlaceAndTime):
    """Place and time of a search, and the number of different vehicles to show."""

    vehicles: Annotated[
        int, Field(ge=0, le=MOST_VEHICLES, description="Limit of different vehicles shown; 0: 50.")
    ] = 0

    @property
    def why(self) -> Documentation:
        """Return the documentation for the door."""
        return Documentation(**super().why, vehicles=self.vehicles)


class ResponseModel(BaseModel):
    """Part of an answer. It takes its own fields of a row or a record."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
