"""What went wrong, in a status and a sentence that a person reads."""

from connectors.clickhouse_client import DatabaseError
from schemas.message import RefusedError
from services.inquiries.gate import DamagedPicture, RefusedInquiry

FAILURES = (RefusedInquiry, RefusedError, DamagedPicture, DatabaseError, ValueError)
"""What is known to go wrong; anything else is a fault of ours."""


def said_of(error: Exception) -> tuple[int, str]:
    """403 by the order, 409 by what is there, 400 for a field, 503 where the database is away, else 500."""
    match error:
        case RefusedInquiry():
            return 403, f"Refused, and on record: {error}."
        case RefusedError():
            return 409, f"Refused: {error.detail}."
        case DamagedPicture():
            return 409, "This picture is not the one that was stored. Tell the ALPR administrator."
        case DatabaseError():
            return 503, f"The database gave no answer ({error}). What you sent was not done; try again."
        case ValueError():
            return 400, f"{error}."
    return 500, "Something went wrong here. What you sent may not have been done; the log has the rest."
