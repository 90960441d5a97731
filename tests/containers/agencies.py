"""Another agency beside the stack: a whole system in one container of the image, all of it in files."""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial

from tests.containers import pages
from tests.containers.looks import hold
from tests.containers.stack import (
    IMAGE,
    PARTNERS,
    PROJECT,
    ROOT,
    RUN,
    compose,
    docker,
    gone,
    outside,
    put,
    sh,
    tools,
    until,
)

OURS, COUNTY = "sjpd", "county"
PERSON = "platestream"
"""Whoever works at the county's system: the account that its container runs by."""

PORT = 8444

TOML = f"""authorities = "{OURS}.pem"
[serve]
address = "https://{COUNTY}:{PORT}"
host = "0.0.0.0"
certificate = "console_certificate"
key = "console_key"
"""


MAKE = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from make_secrets import certificate, write
write(Path(sys.argv[3]), certificate(sys.argv[2]))
"""


def start(person: str) -> None:
    """The service that answers, and the county's system: in its network and in the console's, which asks it
    from there. The certificate of each is signed by itself, and the other trusts it.
    """
    secrets, made = RUN / "deploy" / "secrets", RUN / "made"
    sh("python3", "-c", MAKE, str(ROOT / "deploy"), COUNTY, str(made))
    ours = (secrets / PARTNERS / "partners.toml").read_text()
    files = {
        f"{COUNTY}/{OURS}.pem": (secrets / "console_certificate").read_text(),
        f"{COUNTY}/partners.toml": TOML,
        f"deploy/secrets/{PARTNERS}/{COUNTY}.pem": (made / "console_certificate").read_text(),
        f"deploy/secrets/{PARTNERS}/partners.toml": f'authorities = "{COUNTY}.pem"\n{ours}',
    }
    put({**files, **{f"{COUNTY}/{one.name}": one.read_text() for one in made.iterdir()}})
    file = "/run/secrets/partners/partners.toml"
    tools(person, "registry", "rules", "--partners", file, "--by", "Chief of Police")
    compose("--profile", PARTNERS, "up", "--detach", "--no-build", "--force-recreate", PARTNERS, "console")
    fields = {"PLATESTREAM_DATA": "/data/own", "PLATESTREAM_PARTNERS_FILE": f"/{COUNTY}/partners.toml"}
    more = [word for name, value in fields.items() for word in ("-e", f"{name}={value}")]
    more += ["--tmpfs", "/data:uid=10001,gid=10001,mode=700"]
    up = ("platestream", "up", "--foreground", "--boards", "0", "--console", "0", "--readers", "1")
    outside(COUNTY, PARTNERS, *up, mounts=[f"{RUN / COUNTY}:/{COUNTY}:ro"], image=IMAGE, more=more)
    docker("network", "connect", "--alias", COUNTY, f"{PROJECT}_console", f"{PROJECT}-{COUNTY}")
    until("the county's system runs", lambda: PARTNERS in county("status", check=False), 180)


def county(*arguments: str, check: bool = True) -> str:
    return docker("exec", f"{PROJECT}-{COUNTY}", "platestream", *arguments, check=check)


def meet(person: str) -> None:
    """Both register the other with its MOU, address and public key."""
    begun = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"
    mou = ("--mou-from", begun, "--state", "AZ")
    roles = [word for role in ("administrator", "officer", "analyst") for word in ("--role", role)]
    county("registry", "agency", COUNTY, "--title", "Apache County SO", "--own", "--state", "AZ")
    county("registry", "rules", "--second-factor", "nobody", "--by", "Sheriff")
    county(
        "registry",
        "user",
        PERSON,
        "--title",
        "Deputy Jones",
        "--agency",
        COUNTY,
        "--employee-number",
        "1",
        "--trained",
        begun,
        *roles,
    )
    county("registry", "agency", OURS, "--title", "St. Johns PD", *mou)
    tools(person, "registry", "agency", COUNTY, "--title", "Apache County SO", *mou)
    keys = [
        result.splitlines()[0]
        for result in (tools(person, "partners", "make-key"), county("partners", "make-key"))
    ]
    county("partners", "set", OURS, "--address", f"https://{PARTNERS}:{PORT}", "--key", keys[0])
    tools(person, "partners", "set", COUNTY, "--address", f"https://{COUNTY}:{PORT}", "--key", keys[1])


def asks(plate: str, case: str) -> int:
    """How many reads of ours the county finds."""
    found = county("search", plate, "--case", case, "--agencies", OURS, "--json").splitlines()
    return sum(json.loads(line).get("agency") == OURS for line in found)


def is_asked(person: str, password: str, plate: str, case: str) -> None:
    """A person asks the county in the console, over TLS, and reads its answer on the page."""
    with pages.browser() as browser:
        form = browser.post("/sign-in", data={"who": person, "password": password, "next": "/search"})
        proof = re.findall(r'name="csrf" value="([^"]+)"', form.text)[0]
        asked = {"csrf": proof, "way": "search", "plate": plate, "case_number": case, "agency": COUNTY}
        page = browser.post("/search", data=asked)
        said = re.findall(rf"<h3>{COUNTY}</h3>\s*<p>(.*?)</p>", page.text)
        hold(said == ["Answered with 0 reads."], f"{page.status_code}, and the county said {said}")


def entry_goes_round(person: str) -> None:
    """An entry of ours is offered to the county, taken there, and off its list when we withdraw it."""
    until_day = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
    what = ("--plate", "AST3087", "--state", "AZ", "--category", "stolen_vehicle", "--expires", until_day)
    why = (
        "--case",
        "26-000777",
        "--reason",
        "stolen from the fair",
        "--by",
        "Ofc. Lee",
        "--contact",
        "928-555-0101",
        "--instructions",
        "P/C for arrest",
    )
    tools(person, "registry", "source", OURS, "--title", "St. Johns PD")
    tools(person, "hotlist", "add", "26-000777", *what, *why, "--no-look-back")
    county("registry", "source", "partner", "--title", "Other agencies")
    entry = f"{OURS}:26-000777"
    tools(person, "hotlist", "offer", entry, "--to", COUNTY)
    offered = partial(county, "partners", "offers")
    until("the offer is at the county", lambda: "AST3087" in offered(), 60)
    (taken,) = re.findall(rf"partner:{OURS}/\w+", offered())
    county("partners", "accept", taken, "--no-look-back")
    until("the county has it on its list", lambda: "AST3087" in county("hotlist", "list"), 60)
    # It says so with its answer to what stands, each minute.
    until("we know that it was taken", lambda: "taken" in tools(person, "partners", "offered"), 120)
    tools(person, "hotlist", "withdraw", entry, "--from", COUNTY)
    until("it is off the county's list", lambda: "AST3087" not in county("hotlist", "list"), 60)


def stop() -> None:
    """Neither is there any more."""
    gone(COUNTY)
    compose("--profile", PARTNERS, "rm", "--stop", "--force", PARTNERS)
