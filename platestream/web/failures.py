"""Statuses and error sentences of failures."""

from platestream.access.door import UnconfirmedError
from platestream.access.gate import DamagedPicture
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import DatabaseError
from platestream.schemas.message import RefusedError

FAILURES = (RefusedInquiry, RefusedError, DamagedPicture, DatabaseError, ValueError)
"""Errors that are known; anything else is a fault of ours."""


def error_response(error: Exception) -> tuple[int, str]:
    """Return the status and sentence of an error: 403 by the order, 409 for a conflict, 400 for a field, 503
    without the database, else 500.
    """
    match error:
        case RefusedInquiry():
            return 403, f"Refused and logged: {error}."
        case UnconfirmedError():
            return 403, "This needs the second factor of a person: it is done in the console"
        case RefusedError():
            return 409, f"Refused: {error.detail}."
        case DamagedPicture():
            return 409, f"This picture cannot be shown. Report this to the ALPR administrator: {error}."
        case DatabaseError():
            return 503, f"The database did not answer ({error}). Your request was not carried out. Try again."
        case ValueError():
            return 400, f"{error}."
    return (
        500,
        "An internal error occurred. Your request may not have been carried out. The log has the details.",
    )
