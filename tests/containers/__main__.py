"""The story: start, frames, hit, notice, sealed inquiry, looks from inside, kills, down and up."""

import base64
import hashlib
import hmac
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from platestream.schemas.fields import rfc3339
from tests.containers import agencies, looks, pages, upgrade
from tests.containers.stack import (
    DOCKER,
    IMAGE,
    OUTSIDE,
    PARTNERS,
    PROJECT,
    ROOT,
    RUN,
    WrongError,
    came_back,
    compose,
    container,
    declared,
    docker,
    gone,
    healthy,
    inside,
    kill,
    lay_out,
    outside,
    say,
    sh,
    state,
    step,
    tools,
    until,
)
from tests.support.clock import NOW

FRAMES = ROOT / "platestream" / "demo" / "frames"
PASS = tuple(f"{number:02}-stj-01-plain.jpg" for number in range(2, 6))
"""Drawn frames of one vehicle's pass, 160 ms apart."""

PLATE = "CKR4572"
STREETS = tuple(f"stj-{number:02}" for number in range(1, 13))
"""Cameras whose frames a gateway of another language brings, one by one: a listed vehicle that passes one
again within 90 seconds makes no further hit.
"""

GATE, YARD, CORNER = "gate", "yard", "corner"
"""Cameras of the project's gateway: upload by HTTP, by FTP, and asked for snapshots."""

LATITUDE, LONGITUDE = 34.50586, -109.36094
PLACE = f"latitude = {LATITUDE}\nlongitude = {LONGITUDE}\n"
LARGEST = 1600
"""Megabytes of the project's image."""

PASSWORD = "stand-in"  # of a container run that ends in minutes
PAGES_PASSWORD = "a stand-in for the pages"
PERSON = "chief"
MIGRATE = "deploy/secrets/clickhouse_migrate"

CAMERAS = f"""
[http]
listen = "0.0.0.0:8089"
[ftp]
listen = "0.0.0.0:2121"
passive_ports = [30000, 30015]
[cameras.{GATE}]
kind = "http"
credentials_file = "{GATE}"
{PLACE}
[cameras.{YARD}]
kind = "ftp"
credentials_file = "{YARD}"
{PLACE}
[cameras.{CORNER}]
kind = "snapshot"
url = "http://{CORNER}:8000/{PASS[0]}"
{PLACE}"""

NOTIFY = """
shows = "link"
link = "ADDRESS/hits/{hit_id}"
[[receivers]]
name = "dispatch"
webhook = "http://receiver:8080/alerts"
secret_file = "/run/secrets/webhook_secret"
[[routes]]
to = ["dispatch"]
""".replace("ADDRESS", pages.ADDRESS)

ROLES = ("door", "analyst", "supervisor", "auditor", "custodian", "dashboard")
PEOPLE = f"""<clickhouse><users><{PERSON}>
<password_sha256_hex>{hashlib.sha256(PASSWORD.encode()).hexdigest()}</password_sha256_hex>
<networks><ip>::/0</ip></networks><profile>platestream_person</profile>
<grants><query>GRANT {", ".join(f"platestream_{role}" for role in ROLES)}</query></grants>
</{PERSON}></users></clickhouse>"""

FILES = {
    ".env": f"PLATESTREAM_CLICKHOUSE_CPUS={min(4, os.cpu_count() or 1)}\n",
    "people.xml": PEOPLE,
    PERSON: f"http://{PERSON}:{PASSWORD}@clickhouse:8123/platestream\n",
    "lists/stolen.csv": (
        "reference,plate,state,category,case_number,reason,requested_by,contact,instructions,expires_at\n"
        f"F1,{PLATE},AZ,stolen_vehicle,26-000777,stolen from the fair,Ofc. Lee,928-555-0101,P/C for arrest,"
        f"{NOW + timedelta(days=20):%Y-%m-%d}\n"
    ),
    "deploy/secrets/notify.toml": NOTIFY,
    "deploy/secrets/cameras/cameras.toml": CAMERAS,
    f"deploy/secrets/cameras/{GATE}": f"{GATE}:{PASSWORD}\n",
    f"deploy/secrets/cameras/{YARD}": f"{YARD}:{PASSWORD}\n",
}

passes, cases = count(), count(1)


def start(services: list[str]) -> None:
    compose("up", "--detach", "--no-build")
    healthy(services)
    setup = state("setup")["State"]
    looks.hold(setup["Status"] == "exited" and setup["ExitCode"] == 0, f"setup: {setup}")
    outside("receiver", "notices")


def register() -> None:
    """Agency, person, hot list and cameras, as docs/how-to/operator/deploy.md has it."""
    tools(PERSON, "registry", "agency", "sjpd", "--title", "St. Johns PD", "--own", "--state", "AZ")
    tools(PERSON, "registry", "rules", "--second-factor", "nobody", "--by", "Chief")
    roles = [word for role in ("administrator", "officer", "analyst", "auditor") for word in ("--role", role)]
    trained = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"
    person = ("--title", "Chief", "--agency", "sjpd", "--employee-number", "1", "--trained", trained)
    tools(PERSON, "registry", "user", PERSON, *person, *roles)
    tools(PERSON, "hotlist", "import", "/lists/stolen.csv", "--source", "ncic", mount="lists")
    place = ("--latitude", str(LATITUDE), "--longitude", str(LONGITUDE))
    for camera in (*STREETS, GATE, YARD, CORNER):
        approved = ("--approved-by", "Chief", "--approved", trained)
        tools(PERSON, "registry", "camera", camera, "--title", camera, *place, *approved)


def send() -> None:
    """The pass of the listed vehicle by the next street's camera, with kcat."""
    camera, now = STREETS[next(passes) % len(STREETS)], datetime.now(UTC)
    sent = []
    for number, frame in enumerate(PASS):
        at = rfc3339(now + timedelta(milliseconds=160 * (number - len(PASS))))
        headers = f"-H camera-id={camera} -H captured-at={at} -H latitude={LATITUDE} -H longitude={LONGITUDE}"
        sent.append(f"kcat -P -b kafka:9092 -t frames -k {camera} {headers} /frames/{frame}")
    joined = ("--network", f"{PROJECT}_pipeline", "-v", f"{FRAMES}:/frames:ro")
    docker("run", "--rm", *joined, OUTSIDE, "sh", "-c", " && ".join(sent))


def upload() -> None:
    """The same pass, uploaded to the project's gateway as a camera does it."""
    for number, frame in enumerate(PASS):
        at = rfc3339(datetime.now(UTC))
        picture = ("--data-binary", f"@{FRAMES / frame}", "-H", "content-type: image/jpeg")
        signed = ("--digest", "--user", f"{GATE}:{PASSWORD}", "-H", f"captured-at: {at}")
        sh(
            "curl",
            "--silent",
            "--show-error",
            "--fail",
            *signed,
            *picture,
            f"http://127.0.0.1:8089/{number}.jpg",
        )


def upload_by_ftp() -> None:
    for number, frame in enumerate(PASS):
        where = f"ftp://127.0.0.1:2121/{number}.jpg"
        signed = ("--user", f"{YARD}:{PASSWORD}")
        sh("curl", "--silent", "--show-error", *signed, "--upload-file", str(FRAMES / frame), where)


def found(camera: str = "") -> int:
    """Detections of the plate, by an inquiry that is sealed under a case number of its own."""
    case = f"26-{next(cases):06}"
    narrowed = ("--camera", camera) if camera else ()
    rows = tools(PERSON, "search", PLATE, "--case", case, "--json", *narrowed).splitlines()
    until(f"the inquiry for {case} is sealed", lambda: case in sealed(), 60)
    return len(rows)


def seen_by(camera: str) -> bool:
    return found(camera) == 1


def messages(topic: str) -> list[dict[str, Any]]:
    read = ("kcat", "-C", "-b", "kafka:9092", "-t", topic, "-e", "-q", "-f", "%s\\n")
    result = docker("run", "--rm", "--network", f"{PROJECT}_pipeline", OUTSIDE, *read)
    return [json.loads(line) for line in result.splitlines()]


def inquiries() -> list[dict[str, Any]]:
    """The sealed inquiries on the topic."""
    return [one["inquiry"] for one in messages("inquiries")]


def sealed() -> set[str]:
    """Case numbers of the sealed inquiries."""
    return {one["case_number"] for one in inquiries()}


def acts(tool: str) -> set[tuple[str, str, str]]:
    """What was allowed to whom by this tool, and by which account, as sealed."""
    found = (one for one in inquiries() if one["tool"] == tool and one["outcome"] == "allowed")
    return {(one["kind"], one["who"], one["account"]) for one in found}


def give_password() -> None:
    """The administrator sets their own password for the console, and is on record with it; nobody here has a
    phone.
    """
    tools(PERSON, "registry", "rules", "--second-factor", "nobody", "--by", "Chief of Police")
    tools(PERSON, "account", "set", given=f"{PAGES_PASSWORD}\n")
    act = ("account_code", PERSON, "platestream_console")
    until("the new password is on record", lambda: act in acts("platestream account set"), 60)


def open_console() -> None:
    """The person follows the last notice's link in a browser outside, and is on record with both looks."""
    pages.sees_hit(json.loads(notices()[-1]["body"])["link"], PERSON, PAGES_PASSWORD, PLATE)
    looked = {(kind, PERSON, "platestream_console") for kind in ("hits", "picture")}
    until("the looks are on record", lambda: looked <= acts("console"), 60)


def hits() -> int:
    case = f"26-{next(cases):06}"
    return len(tools(PERSON, "hits", "list", "--case", case, "--json").splitlines())


def notices() -> list[dict[str, str]]:
    """What the receiver was sent; each must bear the secret's signature (Standard Webhooks)."""
    result = [json.loads(line) for line in docker("logs", f"{PROJECT}-receiver").splitlines()]
    secret = (RUN / "deploy" / "secrets" / "webhook_secret").read_text().strip().removeprefix("whsec_")
    for one in result:
        signed = f"{one['id']}.{one['timestamp']}.{one['body']}".encode()
        digest = hmac.digest(base64.b64decode(secret), signed, "sha256")
        looks.hold(
            one["signature"] == f"v1,{base64.b64encode(digest).decode()}", "a notice with a wrong signature"
        )
    return result


def written_by_next() -> int:
    """Detections on the topic with the field that the next release adds."""
    return sum("added_later" in one for one in messages("detections"))


def works(seen: int, result: int) -> None:
    """Waits for the notice of the last pass; then there are `seen` detections and hits, `told` notices."""
    until(f"notice {result}", lambda: len({one["id"] for one in notices()}) >= result, 180)
    looks.hold(len(notices()) == result, f"{len(notices())} notices, not {result}")
    exactly(seen, "detections", found)
    exactly(seen, "hits", hits)


def exactly(number: int, what: str, counted: Callable[[], int]) -> None:
    last = 0

    def enough() -> bool:
        nonlocal last
        last = counted()
        return last >= number

    until(f"{number} {what}", enough, 60)
    looks.hold(last == number, f"{last} {what}, not {number}")


def look(services: dict[str, dict[str, Any]]) -> None:
    for name, result in services.items():
        for one in (looks.processes, looks.root, looks.secrets, looks.limits, looks.published):
            one(name, result)
    receiver = (looks.address("receiver", "notices"), 8080)
    for name, result in services.items():
        if set(result["networks"]) == {"pipeline"} and name != "kafka":  # which has no Python
            looks.closed(name, receiver)
    looks.open_to("notify", receiver)
    kept = inside("console", "stat", "--format", "%u %a", "/data/accounts/console.json").strip()
    looks.hold(kept == "10001 600", f"the passwords of people are a file of {kept}")


def targets() -> set[str]:
    """Services that Prometheus reaches."""
    result = json.loads(sh("curl", "--silent", "--fail", "http://127.0.0.1:9090/api/v1/targets"))
    up = (one for one in result["data"]["activeTargets"] if one["health"] == "up")
    return {one["labels"].get("flow", "prometheus") for one in up}


def story() -> None:
    services = declared()
    names = sorted(services)
    watched = {"recognize", "match", "audit", "notify", "retention", "publish", "cameras", "prometheus"}
    seen = result = 0
    size = int(docker("inspect", "--format", "{{.Size}}", "platestream-stand-in")) / 1e6
    with step(f"the image has {size:.0f} MB, less than {LARGEST}"):
        looks.hold(size < LARGEST, "it has more")
    with step(f"{len(names)} services are healthy: {', '.join(names)}"):
        start(names)
    with step("an agency, a person, a hot list and cameras are registered"):
        register()
    with step("frames by kcat: a detection, a hit, a signed notice, a sealed inquiry"):
        send()
        seen, result = seen + 1, result + 1
        works(seen, result)
    with step(
        "frames by the gateway: uploads by HTTP and FTP, snapshots of a camera in the network `cameras`"
    ):
        command = ("python", "-m", "http.server", "--directory", "/frames", "8000")
        outside(CORNER, "cameras", *command, mounts=[f"{FRAMES}:/frames:ro"])
        until(f"a detection of {CORNER}", partial(seen_by, CORNER), 120)
        gone(CORNER)  # before its standing vehicle is seen again
        upload()
        upload_by_ftp()
        for camera in (GATE, YARD):
            until(f"a detection of {camera}", partial(seen_by, camera), 120)
        seen, result = seen + 3, result + 3
        works(seen, result)
    with step("the console: TLS only, and a notice's link shows the hit to who was given a password"):
        give_password()
        pages.speaks_tls_only()
        pages.refuses(PERSON, PASSWORD)
        open_console()
    with step("the console: a new hit comes by itself into the page of who is on shift"):
        pages.sees_hit_come(PERSON, PAGES_PASSWORD, PLATE, send)
        seen, result = seen + 1, result + 1
        works(seen, result)
    with step("another agency: asks us, is asked in the console, and takes an entry until it is withdrawn"):
        agencies.start(PERSON)
        healthy([*names, PARTNERS])
        agencies.meet(PERSON)
        case = f"26-{next(cases):06}"
        looks.hold(agencies.asks(PLATE, case) == seen, "the county is not answered with what there is")
        until(f"the county's inquiry for {case} is sealed", lambda: case in sealed(), 60)
        agencies.is_asked(PERSON, PAGES_PASSWORD, PLATE, f"26-{next(cases):06}")
        agencies.entry_goes_round(PERSON)
    with step("the service that answers it is what is declared; killed, it comes back and answers"):
        look({PARTNERS: declared(PARTNERS)[PARTNERS]})
        restarts = state(PARTNERS)["RestartCount"]
        kill(PARTNERS)
        came_back(PARTNERS, restarts)
        healthy([PARTNERS])
        looks.hold(
            agencies.asks(PLATE, f"26-{next(cases):06}") == seen, "after the kill it answers otherwise"
        )
        agencies.stop()
    with step(
        "users, capabilities, read-only roots, secrets, limits, ports and closed networks, from inside"
    ):
        look(services)
    with step("Prometheus reaches all"):
        until("all targets are up", lambda: targets() == watched, 60)
    for name in names:
        with step(f"{name} is killed, comes back, and a pass sent meanwhile arrives once"):
            restarts = state(name)["RestartCount"]
            kill(name)
            if name == "kafka":
                upload()  # waits in the gateway's spool
            came_back(name, restarts)
            if name != "kafka":
                send()
            healthy(names)
            seen, result = seen + 1, result + 1
            works(seen, result)
            if name == "console":
                open_console()
    with step("Prometheus reaches all again"):
        until("all targets are up", lambda: targets() == watched, 90)
    with step("the image of a next release is built"):
        upgrade.build()
    ours = [name for name in names if services[name]["image"] == IMAGE]
    for image in (upgrade.NEXT, IMAGE):
        with step(f"{len(ours)} services become {image}; passes sent meanwhile arrive once"):
            with upgrade.passing(send) as sent:
                upgrade.move(image, ours, names)
            seen, result = seen + len(sent), result + len(sent)
            works(seen, result)
            say(f"        {len(sent)} passes were sent meanwhile")
            by_next = written_by_next()
            send()
            seen, result = seen + 1, result + 1
            works(seen, result)
            wrote = written_by_next() - by_next
            looks.hold(wrote == (image == upgrade.NEXT), f"{wrote} detections are of the next release")
            looks.hold("9000_next" in tools(MIGRATE, "migrate", "--list"), "its migration is not applied")
            open_console()
    with step("a stop is heard: nothing has to be killed"):
        compose("stop")
        codes = {name: state(name)["State"]["ExitCode"] for name in names}
        looks.hold(137 not in codes.values(), f"ended with {codes}")
    with step("down, and up with the volumes kept"):
        gone("receiver")
        compose("down")
        start(names)
    with step("what was there is there, and a new pass arrives"):
        send()
        works(seen + 1, 1)
        open_console()
        say(f"        {tools(PERSON, 'audit', 'verify').strip()}")


def told_by(services: list[str]) -> None:
    for name in services:
        ran = docker("ps", "-a", "--format", "{{.Status}}", "--filter", f"name={container(name)}").strip()
        say(f"{name}: {ran}\n{docker('logs', '--tail', '15', container(name), check=False)}")


def main() -> int:
    lay_out(FILES)
    say(f"engine {sh(DOCKER, 'version', '--format', '{{.Server.Version}}').strip()}")
    try:
        story()
    except WrongError as wrong:
        say(f"WRONG: {wrong}")
        told_by(sorted(declared()))
        return 1
    finally:
        gone("receiver", CORNER, agencies.COUNTY)
        compose("--profile", PARTNERS, "down", "--volumes")
    say("everything was seen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
