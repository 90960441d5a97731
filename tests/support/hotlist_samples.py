"""One entry, and a line of each layout of hot lists, by name (`platestream.hotlist.files.formats`)."""

from datetime import timedelta

from tests.support.clock import NOW

_CALIFORNIA = "7ABC123 CA1920260101"

SAMPLES = {
    "csv": "1,AST3087,AZ",
    "ncic": "V123456789LA057020020190509AB123456  CA2009MC2009YAMACYLMCBLK",
    "texas": "V1,TX1,20260101,ABC1,TX,26,09,CHEV,SIL,PK,WHI",
    "iowa": "ABC123,2027,PC,IA,26-1,STOLEN VEHICLE,IA1",
    "california-svs": _CALIFORNIA,
    "california-sfr": _CALIFORNIA,
    "california-slr": _CALIFORNIA,
    "new-york": "ABC1234   NYPASXBUICWH",
    "colorado": "ABC123    COAttempt To Locate       2002 FORD",
    "illinois": "AB12345 ILPCSTOLEN VYR/05 VMA/DODG OCA/26-7",
    "ohio": "ABC1 0H 2027 20260101 D0DG RAM 2005 RED STOLEN",
}
"""The line of `csv` has the columns `reference,plate,state`."""

ENTRY_FIELDS = {
    **{"reference": "26-1", "plate": "AST3087", "state": "AZ", "category": "stolen_vehicle"},
    **{"case_number": "26-001234", "reason": "Stolen from 1st West", "requested_by": "Ofc. Vale"},
    **{
        "contact": "928-555-0114",
        "instructions": "P/C for arrest",
        "expires_at": f"{NOW + timedelta(days=20):%Y-%m-%d}",
    },
}
"""Fields of an entry, by the names of the form and of the columns."""
