"""All targets: what is fuzzed, with which decoder, from which seeds, and the errors that it declares."""

from connectors.cameras.capture import CameraError
from connectors.engine.accounts import AccountsError
from connectors.engine.errors import EngineError
from connectors.notify.signed import BadSignature
from connectors.partners.signing import BadSignature as PartnerSignature
from connectors.private_file import PrivateFileError
from connectors.topic_file import TopicFileError
from schemas.message import RefusedError
from schemas.profile import ProfileError
from schemas.topics import TOPICS
from services.evidence.package import PackageError
from services.hotlist.files.formats import FORMATS, parser
from services.up.supervisor import UpError
from tests.fuzz import decoders as d
from tests.fuzz import seeds as s
from tests.fuzz.watch import Target

REFUSED = (RefusedError,)
FRAMES = [
    Target("picture", d.plain(d.picture), s.PICTURES, REFUSED),
    Target("picture-time", d.plain(d.taken_at), s.TAKEN_AT),
    Target("topic-frames", d.plain(d.frame), s.FRAMES, REFUSED),
]
RECORDS = [
    Target(f"topic-{one.name}", d.plain(d.record(one)), [s.RECORDS[one.name]], REFUSED)
    for one in TOPICS
    if one.name in s.RECORDS
]
LAYOUTS = {**FORMATS, "columns": parser("csv", "plate,,state,reason,case_number", ";")}
LISTS = [
    Target(f"hotlist-{name}", d.plain(d.hot_list(layout)), [s.LISTS[name]], REFUSED)
    for name, layout in LAYOUTS.items()
]
BOLOS = [
    Target("bolo-mail", d.plain(d.bolo_file("mail")), s.MAILS, REFUSED),
    Target("bolo-csv", d.plain(d.bolo_file("csv")), s.BOLO_FILE, REFUSED),
    Target("bolo-webhook", d.bolo_webhook, s.WEBHOOK),
    Target("bolo-body", d.bolo_body, [s.BOLO]),
    Target("webhook-signature", d.plain(d.webhook_signature), s.SIGNATURE, (BadSignature,)),
]
PARTNERS = [
    Target("partner-http", d.partner_http, s.PARTNER_REQUESTS),
    Target("partner-body", d.partner_body, s.PARTNER_BODIES),
    Target("partner-signature", d.plain(d.partner_signature), s.PARTNER_SIGNATURES, (PartnerSignature,)),
    Target("partner-answer", d.plain(d.partner_answer), s.PARTNER_HEADERS),
    Target("partner-answer-body", d.plain(d.partner_answer_body), s.PARTNER_ANSWERS),
]
CAMERAS = [
    Target("camera-http", d.camera_http, s.UPLOADS),
    Target("camera-sign-in", d.plain(d.camera_sign_in), s.SIGN_INS),
    Target("camera-ftp", d.camera_ftp, s.FTP),
    Target("camera-stream", d.plain(d.camera_stream), s.STREAM, (CameraError,)),
    Target("camera-rtsp", d.plain(d.camera_rtsp), s.RTSP, (CameraError,)),
]
FILES = [
    Target("cameras-toml", d.of_file("cameras.toml", d.cameras_toml), s.CAMERAS, REFUSED),
    Target("notify-toml", d.of_file("notify.toml", d.notify_rules), s.NOTIFY, REFUSED),
    Target("profile-toml", d.of_file("profile.toml", d.profile_file), s.PROFILES, (ProfileError,)),
    Target("openid-toml", d.of_file("openid.toml", d.openid_file), s.OPENID, (*REFUSED, OSError)),
    Target("users-xml", d.of_file("users.xml", d.users_xml), s.USERS, (AccountsError,)),
    Target("tokens-json", d.of_file("tokens.json", d.tokens_file), s.TOKENS, (PrivateFileError,)),
    Target("up-plan", d.of_file("up/plan.json", d.up_plan), s.PLAN, (UpError,)),
    Target("topic-file", d.topic_file, s.BROKEN_TOPIC, (TopicFileError,)),
]
RECORDS_OF_PROOF = [
    Target("inquiry-log", d.plain(d.inquiry_log), s.EXPORTS),
    Target("evidence-zip", d.of_file("package.zip", d.evidence_package), s.PACKAGES, (PackageError,)),
    Target("evidence-records", d.plain(d.evidence_records), s.EVIDENCE_RECORDS),
    Target("evidence-origin", d.plain(d.evidence_origin), s.EVIDENCE_ORIGINS),
    Target("evidence-manifest", d.plain(d.evidence_manifest), s.MANIFESTS),
]
# A request to the engine takes milliseconds, one to the console tens of them; so does a long text.
DOORS = [
    Target("engine-body", d.plain(d.engine_body), s.BODIES, (EngineError,)),
    Target("engine-insert", d.plain(d.engine_insert), s.HEADS),
    Target("engine-insert-long", d.plain(d.engine_insert_long), s.HEADS, runs=2_000),
    Target("engine-http", d.EngineDoor, s.ENGINE, alone=True, warm=500),
    Target("console", d.ConsoleDoor, s.CONSOLE, runs=20_000, alone=True, warm=2_000),
    Target("api", d.ConsoleDoor, s.API, alone=True, warm=2_000),
]
TARGETS = [*FRAMES, *RECORDS, *LISTS, *BOLOS, *PARTNERS, *CAMERAS, *FILES, *RECORDS_OF_PROOF, *DOORS]
BY_NAME = {one.name: one for one in TARGETS}
