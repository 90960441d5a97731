"""Vehicle in view: a published detection whose vehicle stands before its camera still."""

from typing import Annotated

from msgspec import Meta

from platestream.schemas.detection import Detection
from platestream.schemas.fields import Instant, Record


class VehicleInView(Record, tag="in_view/1", frozen=True, kw_only=True):
    """A detection as it was published, and a later frame that shows the same vehicle.

    It is matched with entries that were listed in between, and stored in no table.
    """

    detection: Detection
    seen_at: Annotated[Instant, Meta(description="capture time of the newest frame that shows the vehicle")]
