"""A line of each layout of hot lists, by name (`platestream.hotlist.files.formats.FORMATS`)."""

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
