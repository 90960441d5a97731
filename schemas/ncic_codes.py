"""Codes of NCIC for makes, colors and body styles of vehicles, in both directions.

National extracts write O as 0 in every field (`D0DG` Dodge), so codes are looked up with O and 0 as one.
"""

from collections.abc import Mapping

from platestream.schemas.fields import Vehicle
from platestream.schemas.plates import equate

_MAKES = """ACUR Acura|ALFA Alfa Romeo|AUDI Audi|BMW BMW|BUIC Buick|CADI Cadillac|CHEV Chevrolet|CHRY Chrysler
DODG Dodge|FIAT Fiat|FORD Ford|FRHT Freightliner|GMC GMC|HD Harley-Davidson|HOND Honda|HYUN Hyundai
INFI Infiniti|INTL International|ISU Isuzu|JAGU Jaguar|JEEP Jeep|KAWK Kawasaki|KIA Kia|KW Kenworth
LEXS Lexus|LINC Lincoln|LNDR Land Rover|MAZD Mazda|MERC Mercury|MERZ Mercedes-Benz|MITS Mitsubishi
MNNI Mini|NISS Nissan|OLDS Oldsmobile|PLYM Plymouth|PONT Pontiac|PORS Porsche|PTRB Peterbilt|RAM Ram
SAA Saab|SATU Saturn|SCIO Scion|SUBA Subaru|SUZI Suzuki|TESL Tesla|TOYT Toyota|VOLK Volkswagen|VOLV Volvo
YAMA Yamaha"""
_COLOURS = """BGE beige|BLK black|BLU blue|BRO brown|BRZ bronze|COM chrome|CPR copper|CRM cream|DBL blue
DGR green|GLD gold|GRN green|GRY grey|LBL blue|LGR green|MAR red|MVE purple|ONG orange|PLE purple
PNK pink|RED red|SIL silver|TAN beige|TEA green|TRQ turquoise|WHI white|YEL yellow
BK black|BL blue|BR brown|GR green|GY grey
RD red|WH white|YL yellow|SL silver|OR orange|TN beige|GL gold|MR red"""
_BODIES = """2D coupe|4D sedan|SD sedan|CP coupe|CV convertible|HB hatchback|SW wagon|LL suv|UT suv|PK pickup
VN van|TK truck|MC motorcycle|TL trailer"""


def _table(text: str) -> dict[str, str]:
    lines = text.replace("\n", "|").split("|")
    return {equate(code): name for code, _blank, name in (line.partition(" ") for line in lines)}


def _names(text: str) -> dict[str, str]:
    """Return the code of each name, in lower case; the first code of a name counts."""
    lines = (line.partition(" ") for line in reversed(text.replace("\n", "|").split("|")))
    return {name.lower(): code for code, _blank, name in lines}


MAKES, COLOURS, BODIES = _table(_MAKES), _table(_COLOURS), _table(_BODIES)
_MAKE_CODES, _BODY_CODES = _names(_MAKES), _names(_BODIES)
_COLOUR_CODES = _names(_COLOURS) | {"green": "GRN", "gray": "GRY", "red": "RED", "purple": "PLE"}


def codes_of(vehicle: Vehicle) -> Mapping[str, str]:
    """Return the codes of a vehicle's `make`, `color` and `style`, as far as the tables have them.

    >>> codes_of(Vehicle(make="Ford", colour="white", body="pickup", model="F-150"))
    {'make': 'FORD', 'color': 'WHI', 'style': 'PK'}
    """
    found = {
        "make": _MAKE_CODES.get((vehicle.make or "").lower()),
        "color": _COLOUR_CODES.get((vehicle.colour or "").lower()),
        "style": _BODY_CODES.get((vehicle.body or "").lower()),
    }
    return {name: code for name, code in found.items() if code}
