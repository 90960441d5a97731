"""All targets: what is fuzzed, with which decoder, from which seeds, and the errors that it declares."""

from platestream.cameras.capture import CameraError
from platestream.edges.topic_file import TopicFileError
from platestream.engine.accounts import AccountsError
from platestream.engine.errors import EngineError
from platestream.evidence.package import PackageError
from platestream.hotlist.files.formats import FORMATS, parser
from platestream.notifications.webhook_signature import BadSignature
from platestream.operations.up.supervisor import UpError
from platestream.partners.signing import BadSignature as PartnerSignature
from platestream.runtime.private_file import PrivateFileError
from platestream.schemas.message import RefusedError
from platestream.schemas.profile import ProfileError
from platestream.schemas.topics import TOPICS
from tests.fuzz import decoders
from tests.fuzz import decoders_of_cameras as cameras
from tests.fuzz import decoders_of_doors as doors
from tests.fuzz import decoders_of_files as files
from tests.fuzz import decoders_of_lists as lists
from tests.fuzz import decoders_of_partners as partners
from tests.fuzz import seeds as s
from tests.fuzz.decoders import of_file, plain
from tests.fuzz.watch import Target

REFUSED = (RefusedError,)
FRAMES = [
    Target("picture", plain(decoders.picture), s.PICTURES, REFUSED),
    Target("picture-time", plain(decoders.taken_at), s.TAKEN_AT),
    Target("topic-frames", plain(decoders.frame), s.FRAMES, REFUSED),
]
RECORDS = [
    Target(f"topic-{one.name}", plain(decoders.record(one)), [s.RECORDS[one.name]], REFUSED)
    for one in TOPICS
    if one.name in s.RECORDS
]
LAYOUTS = {**FORMATS, "columns": parser("csv", "plate,,state,reason,case_number", ";")}
LISTS = [
    Target(f"hotlist-{name}", plain(lists.hot_list(layout)), [s.LISTS[name]], REFUSED)
    for name, layout in LAYOUTS.items()
]
BOLOS = [
    Target("bolo-mail", plain(lists.bolo_file("mail")), s.MAILS, REFUSED),
    Target("bolo-csv", plain(lists.bolo_file("csv")), s.BOLO_FILE, REFUSED),
    Target("bolo-webhook", lists.bolo_webhook, s.WEBHOOK),
    Target("bolo-body", lists.bolo_body, [s.BOLO]),
    Target("webhook-signature", plain(lists.webhook_signature), s.SIGNATURE, (BadSignature,)),
]
PARTNERS = [
    Target("partner-http", partners.partner_http, s.PARTNER_REQUESTS),
    Target("partner-body", partners.partner_body, s.PARTNER_BODIES),
    Target("partner-signature", plain(partners.partner_signature), s.PARTNER_SIGNATURES, (PartnerSignature,)),
    Target("partner-answer", plain(partners.partner_answer), s.PARTNER_HEADERS),
    Target("partner-answer-body", plain(partners.partner_answer_body), s.PARTNER_ANSWERS),
]
CAMERAS = [
    Target("camera-http", cameras.camera_http, s.UPLOADS),
    Target("camera-sign-in", plain(cameras.camera_sign_in), s.SIGN_INS),
    Target("camera-ftp", cameras.camera_ftp, s.FTP),
    Target("camera-stream", plain(cameras.camera_stream), s.STREAM, (CameraError,)),
    *(Target(f"push-{form}", plain(cameras.push(form)), seeds, REFUSED) for form, seeds in s.PUSHES.items()),
    Target("camera-rtsp", plain(cameras.camera_rtsp), s.RTSP, (CameraError,)),
]
FILES = [
    Target("cameras-toml", of_file("cameras.toml", files.cameras_toml), s.CAMERAS, REFUSED),
    Target("notify-toml", of_file("notify.toml", files.notify_rules), s.NOTIFY, REFUSED),
    Target("profile-toml", of_file("profile.toml", files.profile_file), s.PROFILES, (ProfileError,)),
    Target("openid-toml", of_file("openid.toml", files.openid_file), s.OPENID, (*REFUSED, OSError)),
    Target("users-xml", of_file("users.xml", files.users_xml), s.USERS, (AccountsError,)),
    Target("tokens-json", of_file("tokens.json", files.tokens_file), s.TOKENS, (PrivateFileError,)),
    Target("up-plan", of_file("up/plan.json", files.up_plan), s.PLAN, (UpError,)),
    Target("topic-file", files.topic_file, s.BROKEN_TOPIC, (TopicFileError,)),
]
RECORDS_OF_PROOF = [
    Target("inquiry-log", plain(files.inquiry_log), s.EXPORTS),
    Target("evidence-zip", of_file("package.zip", files.evidence_package), s.PACKAGES, (PackageError,)),
    Target("evidence-records", plain(files.evidence_records), s.EVIDENCE_RECORDS),
    Target("evidence-origin", plain(files.evidence_origin), s.EVIDENCE_ORIGINS),
    Target("evidence-manifest", plain(files.evidence_manifest), s.MANIFESTS),
]
# A request to the engine takes milliseconds, one to the console tens of them; so does a long text.
DOORS = [
    Target("engine-body", plain(doors.engine_body), s.BODIES, (EngineError,)),
    Target("engine-insert", plain(doors.engine_insert), s.HEADS),
    Target("engine-insert-long", plain(doors.engine_insert_long), s.HEADS, runs=2_000),
    Target("engine-http", doors.EngineDoor, s.ENGINE, alone=True, warm=500),
    Target("console", doors.ConsoleDoor, s.CONSOLE, runs=20_000, alone=True, warm=2_000),
    Target("api", doors.ConsoleDoor, s.API, alone=True, warm=2_000),
]
TARGETS = [*FRAMES, *RECORDS, *LISTS, *BOLOS, *PARTNERS, *CAMERAS, *FILES, *RECORDS_OF_PROOF, *DOORS]
BY_NAME = {one.name: one for one in TARGETS}
