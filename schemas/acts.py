"""Table of the acts that people can perform and of what the order requires for each.

The inquiry gate judges by this table (`python -m platestream.schemas.acts_sql` makes the view
`platestream.acts` from it). Services name acts from it, and the checks of the audit flow, `policy check` and
docs/reference/policy.md read it. An act that is not listed here cannot be logged, so it cannot be performed.
"""

from dataclasses import dataclass
from typing import Literal

Role = Literal["officer", "analyst", "supervisor", "auditor", "custodian", "administrator"]
ROLES: dict[Role, str] = {
    "officer": "sworn employee: searches, goes on shift, verifies hits, lists vehicles (F.4, F.8, G, H)",
    "analyst": "searches, lists vehicles, holds evidence; is not notified of alert hits",
    "supervisor": "what an officer does, for others, too; imports hot lists, releases quarantined frames",
    "auditor": "draws, judges and files the yearly audit; sees the inquiry log, no detection (K)",
    "custodian": "extends and exports evidence (F.8.a, J.2)",
    "administrator": "the ALPR administrator: people, agencies, cameras, hot list sources, rules (C.2, E.1)",
}
Documented = Literal["", "inquiry", "case", "entry"]


@dataclass(frozen=True)
class Act:
    """One act; `name` is the `kind` of its row in the inquiry log.

    A person who performs it has one of the `roles`, is registered, active and trained, and belongs to this
    agency or, if `partners` is set, to one with an MOU in force.

    `documented`: "inquiry" requires a case number or a reason (I.7), "case" a case number, "entry" everything
    that section H requires of an entry. `browses`: the act shows stored detections, so it is a browsing
    inquiry, which is drawn for the audit and counted. `automatic`: a system job may perform it, and is logged
    as such. `on_shift`: only a person whose shift is running may perform it (F.4), in any session or program.
    `entry`: the ledger entry that the act writes, as `chain/kind`; no other act may write one of that kind.
    """

    name: str
    does: str
    clauses: str
    roles: tuple[Role, ...]
    partners: bool = False
    documented: Documented = ""
    browses: bool = False
    automatic: bool = False
    on_shift: bool = False
    entry: str = ""

    @property
    def shows_data(self) -> bool:
        """True if the act gives out detections.

        It then needs one of the agency's purposes, if the agency lists any.
        """
        return self.browses or self.name in ("evidence_hold", "evidence_export", "search_export")

    @property
    def has_effect(self) -> bool:
        """True if the act stores, changes, sends or deletes something.

        Only the service account that does so may log it.

        All other acts show something, or note what was shown; a person's own account logs these.
        """
        return not (self.browses or self.name.endswith("_show") or self.name in _LOOKS)

    @property
    def searches(self) -> bool:
        """True if the act is a search.

        Alert hits, and pictures of earlier results, come from something else.
        """
        return self.browses and self.name not in ("hits", "picture")

    @property
    def follows_up(self) -> bool:
        """True if the act follows from an inquiry: listing a vehicle, handling a hit or holding evidence."""
        by_people = bool(self.roles) and self.name not in _NO_FOLLOW_UP
        return by_people and self.name.startswith(("hotlist_", "hit_", "evidence_"))


_LOOKS = ("partner_answer", "search_export", "audit_export", "audit_prove")
_NO_FOLLOW_UP = ("hotlist_import", "hotlist_force", "hotlist_show", "evidence_show", "evidence_not_needed")
_SEARCHERS: tuple[Role, ...] = ("officer", "analyst", "supervisor")
_LISTERS: tuple[Role, ...] = ("officer", "analyst", "supervisor", "administrator")
_PATROL: tuple[Role, ...] = ("officer", "supervisor")
_ADMIN: tuple[Role, ...] = ("administrator",)
_CHIEFS: tuple[Role, ...] = ("supervisor", "administrator")
_CUSTODY: tuple[Role, ...] = ("custodian",)
_HOLDERS: tuple[Role, ...] = (*_SEARCHERS, "custodian")
_EVERYBODY: tuple[Role, ...] = tuple(ROLES)


def _browse(name: str, does: str) -> Act:
    """Return an act that shows stored detections. A system job makes the look-backs for the hot list."""
    clauses = "F.6 F.8 G.7 I.7"
    return Act(
        name, does, clauses, _SEARCHERS, partners=True, documented="inquiry", browses=True, automatic=True
    )


def _register(kind: str, does: str, clauses: str, roles: tuple[Role, ...] = _ADMIN) -> Act:
    return Act(f"registry_{kind}", does, clauses, roles)


ACTS: tuple[Act, ...] = (
    _browse("search", "search for a plate"),
    _browse("sightings", "see all that passed some cameras"),
    _browse("fuzzy", "search for plates that look alike"),
    _browse("cotravel", "see where two vehicles met"),
    _browse("companions", "see which vehicles met one"),
    _browse("picture", "see the pictures of a detection"),
    _browse("hits", "see alert hits"),
    Act("search_save", "save a search under a name, or delete it", "F.8 I.7", _SEARCHERS),
    Act("search_saved_show", "see one's own saved searches", "F.8 I.7", _SEARCHERS),
    Act(
        "search_export", "export what a search found as a file", "F.8 I.1 I.3 I.7", _SEARCHERS,
        documented="inquiry",
    ),
    Act(
        "partner_search", "ask other agencies for a plate", "F.6 F.8 G.7 I.7", _SEARCHERS,
        documented="inquiry", browses=True,
    ),
    Act(
        "partner_picture", "ask another agency for the pictures of a detection", "F.6 F.8 G.7 I.7",
        _SEARCHERS, documented="inquiry", browses=True,
    ),
    Act("partner_answer", "note what another agency answered", "F.6 I.7", _SEARCHERS),
    Act("partner_key", "make, use or end a key by which other agencies know this one", "E.1.c F.6", _ADMIN),
    Act(
        "partner_offer", "offer this agency an entry of another agency's hot list", "G.1 H I.2", _SEARCHERS,
        partners=True, documented="inquiry",
    ),
    Act(
        "partner_told", "record that another agency's entry has ended, or its hit on ours",
        "G.1 H.8", (), automatic=True,
    ),
    Act(
        "partner_tell", "notify another agency of an entry, its end, or a hit on one of theirs",
        "G.1 I.2", (), automatic=True,
    ),
    Act("hotlist_show", "see the hot list", "F.7 H", _LISTERS),
    Act(
        "hotlist_add", "put a vehicle on the hot list, or change its entry", "F.5 H.1 H.8", _LISTERS,
        documented="entry",
    ),
    Act("hotlist_remove", "take a vehicle off the hot list", "H.1", _LISTERS),
    Act("hotlist_offer", "offer an own entry to other agencies, or withdraw it", "G.1 H I.2", _LISTERS),
    Act(
        "hotlist_take", "take, decline or drop an entry that another agency offers", "G.1 H I.2", _LISTERS,
        automatic=True,
    ),
    Act("hotlist_import", "import a hot list", "C.4 E.1.b", _CHIEFS, automatic=True),
    Act(
        "hotlist_force", "import a file that looks empty, cut off or damaged", "C.4 E.1.b", _ADMIN,
        documented="inquiry",
    ),
    Act("bolo", "accept a BOLO of a neighboring agency", "G.1", _LISTERS, automatic=True),
    Act("shift_login", "log in for a shift, so that alert hits are delivered", "F.4 G.2", _PATROL),
    Act("shift_logout", "log out at the end of a shift", "F.4", _PATROL),
    Act("shift_show", "see who is on shift", "F.4", ("officer", "supervisor", "auditor", "administrator")),
    Act(
        "hit_verify", "record a step of the verification of an alert hit", "F.4 G.3 G.4 G.5", _PATROL,
        on_shift=True,
    ),
    Act("hit_dispose", "record what came of an alert hit", "F.4 G.8 E.1.f", _PATROL, on_shift=True),
    Act(
        "evidence_hold", "hold detections as evidence", "F.8.a J.1", _HOLDERS, documented="case",
        entry="evidence/hold",
    ),
    Act(
        "evidence_keep", "extend evidence beyond its schedule", "J.2", _CUSTODY, documented="case",
        entry="evidence/keep",
    ),
    Act(
        "evidence_export", "export held evidence", "F.8.a I.6", _CUSTODY, documented="case",
        entry="evidence/export",
    ),
    Act(
        "evidence_not_needed", "record why no data of a case is held", "F.8.a", _HOLDERS, documented="case",
    ),
    Act(
        "evidence_send", "send exports to their evidence systems, or a refused one again", "F.8.a",
        ("custodian", "administrator"), automatic=True,
    ),
    Act(
        "evidence_receipt", "record the receipt of an evidence system for an export", "F.8.a", (),
        automatic=True, entry="evidence/receipt",
    ),
    Act("evidence_show", "see what evidence is held", "J.2", ("custodian", "auditor")),
    Act(
        "evidence_purge", "purge evidence past its schedule", "J.2", (), automatic=True,
        entry="evidence/purge",
    ),
    _register("agency", "register an agency and its MOU", "F.6 I.2"),
    _register("user", "register a person, their roles and training", "E.1.e F.7"),
    _register(
        "account", "permit a program a token for a person; take a password, second factor or token away",
        "E.1.e",
    ),
    Act("account_code", "make a one-time code by which a person sets a password", "E.1.e", _ADMIN),
    Act(
        "account_redeem", "redeem a one-time code or a permit for a token, as its person", "E.1.e",
        _EVERYBODY, partners=True,
    ),
    Act(
        "account_change", "change one's own password, with the current one", "E.1.e", _EVERYBODY,
        partners=True,
    ),
    Act(
        "account_factor", "set up, replace or recover with one's own second factor", "E.1.c E.1.e",
        _EVERYBODY, partners=True,
    ),
    Act(
        "account_passkey", "add or remove one's own passkey", "E.1.c E.1.e", _EVERYBODY, partners=True,
    ),
    Act(
        "account_terminal", "sign one's own command line in", "E.1.c E.1.e", _EVERYBODY, partners=True,
    ),
    Act(
        "account_terminal_end", "sign one's own command line out", "E.1.c E.1.e", _EVERYBODY, partners=True,
    ),
    Act(
        "account_sign_in", "record a sign-in, a refused one, or the end of a session", "E.1.c E.1.e", (),
        automatic=True,
    ),
    Act(
        "registry_recover", "bring an ALPR administrator back, two people with the recovery code",
        "C.2 E.1.a E.1.e", _EVERYBODY,
    ),
    Act(
        "registry_recovery_code", "make the code by which two people bring an administrator back",
        "C.2 E.1.e", _ADMIN,
    ),
    Act(
        "registry_review", "review how an administrator was brought back", "E.1.a K", ("auditor",),
        documented="inquiry",
    ),
    _register("camera", "register a camera and its approval", "D.5 E.1.f"),
    _register("detail", "register a special detail and its approval", "G.6"),
    _register("place", "register a sensitive place, where no camera may stand", "D.5 E.1.f"),
    _register("roster", "record duty times", "F.4 F.8", _CHIEFS),
    _register("material", "register training material and its approval", "E.1.d"),
    _register("incident", "record what came of ALPR use", "E.1.f", _CHIEFS),
    _register("source", "designate a hot list source", "C.4 E.1.b"),
    _register("evidence_system", "register an evidence system, to which exports are sent", "F.8.a"),
    _register("category", "designate a hot list category", "C.3 E.1.b"),
    Act("registry_show", "see the registry", "E.1.e I.2.a", _EVERYBODY),
    Act("camera_show", "see what a camera sees now", "D.5 F.2 I.7", _CHIEFS, documented="inquiry"),
    Act(
        "camera_change", "set what of a camera's picture is read, masked, or its reference", "D.5 E.1.c",
        _ADMIN,
    ),
    Act("quarantine_release", "let quarantined frames be read", "D.5", _CHIEFS),
    Act(
        "limit_raise", "raise the number of vehicles that one person is shown, for 24 hours", "F.1 I.3",
        ("supervisor",), documented="inquiry",
    ),
    Act("rules", "change the rules in force", "E.1.a", _ADMIN),
    Act("audit_show", "see draws, and the inquiries in them", "K", ("auditor", "administrator")),
    Act("audit_draw", "draw the sample of the yearly audit", "K.2 K.3", ("auditor",), entry="audit/draw"),
    Act("audit_finding", "judge an inquiry of a draw", "K.3 K.4", ("auditor",), entry="audit/finding"),
    Act(
        "audit_memo", "file the memorandum of a yearly audit", "K.4", ("auditor",),
        entry="audit/memorandum",
    ),
    Act(
        "audit_publish", "record that a report of figures was published", "K", ("auditor",),
        entry="audit/publication",
    ),
    Act("audit_export", "export the sealed inquiry log", "E.1.c K", ("auditor",), documented="inquiry"),
    Act("audit_head", "publish the head of the inquiry log", "E.1.c K", ("auditor", "administrator")),
    Act("audit_prove", "prove that one inquiry is in the log", "E.1.c K", ("auditor",), documented="inquiry"),
    Act("statements", "log what clients of the built-in engine ran", "E.1.c G.7 I.7", (), automatic=True),
    Act(
        "retention", "delete what is past its time", "F.8.b J.1", _ADMIN, automatic=True,
        entry="retention/run",
    ),
    Act("retention_clock", "confirm that the database's clock is right", "F.8.b J.1", _CHIEFS),
    Act(
        "tally", "seal the count of what was written", "F.8.b J.1", (), automatic=True,
        entry="retention/tally",
    ),
    Act("retention_show", "see the receipts of retention", "F.8.b J.1", ("auditor", "administrator")),
    Act("backup", "back up the records", "E.1.c K", _ADMIN, automatic=True),
    Act("restore", "restore a backup into an empty system", "E.1.c K", _ADMIN),
    Act("keys_rewrap", "put the hourly keys under another master key", "E.1.c", _ADMIN),
    Act("keys_rotate", "give the accounts of jobs new passwords", "E.1.c", _ADMIN),
    Act("dead_letter_show", "see what was refused", "E.1.c", _ADMIN),
    Act("dead_letter_resend", "send what was refused again", "E.1.c", _ADMIN),
    Act("notify_test", "send a receiver of notifications a test", "G.2", _CHIEFS),
)  # fmt: skip
CONFIRMED = (
    *("hit_dispose", "evidence_export", "hotlist_import", "hotlist_force", "rules"),
    *("registry_agency", "registry_user", "registry_account", "account_code"),
    *("registry_recover", "registry_recovery_code", "registry_source"),
)
"""Acts for which a person gives the second factor again, where the rules require one of them."""
FACTOR_MINUTES = 15
"""Time after which the database refuses such an act; the console asks earlier."""
CONFIRMED_ALWAYS = ("account_factor", "account_passkey", "account_terminal")
"""Acts for which a person who has a second factor gives it each time."""
BY_NAME = {act.name: act for act in ACTS}
WRITES = {act.entry: act.name for act in ACTS if act.entry}
"""The act that writes each kind of entry of the ledger."""
BROWSING = tuple(act.name for act in ACTS if act.browses)
