"""The yearly audit, seals and the policy check in the console, as an auditor works through them."""

import hashlib
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape
from uuid import UUID, uuid4

import pytest

from platestream.audit.yearly import draw as drawing
from platestream.audit.yearly import findings as judging
from platestream.edges.clickhouse_client import AUDITOR, DOOR, SEALER
from platestream.edges.inquiry_log import seal_new
from platestream.ledger import store as ledger
from platestream.schemas import tables
from platestream.schemas.acts import Role
from platestream.schemas.finding import Finding
from platestream.transparency_log import log_export as inquiry_export
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.door import person

pytestmark = pytest.mark.slow

YEAR = NOW.year


@pytest.fixture
def auditor(pages: Pages) -> Person:
    """Aud, an auditor who searches, too; Vale has no password yet."""
    pages.staff(person("aud", "auditor", "analyst"))
    pages.put(person("vale", "officer"))
    return pages.browser("aud")


def also(pages: Pages, who: str, role: Role) -> Person:
    """Another person, signed in."""
    pages.staff(person(who, role))
    return pages.browser(who)


def ask(pages: Pages, count: int = 3, who: str = "vale", **changes: str) -> list[UUID]:
    asked = {"case_number": "26-001234", "reason": "Stolen vehicle, followed up", "vehicles": 1, **changes}
    return [pages.database.ask(DOOR, on_behalf_of=who, **asked) for _each in range(count)]


def drawn(pages: Pages, auditor: Person, count: int = 3) -> list[UUID]:
    """Inquiries of others, in the order in which the draw shows them; the draw is 1."""
    asked = ask(pages, count)
    auditor.get("/audit/draws")
    auditor.send("/audit/draws", year=str(YEAR))
    return asked


def judge(auditor: Person, inquiry: UUID, verdict: str = "meets", **changes: str) -> int:
    auditor.get("/audit/draws/1")
    answer = auditor.send("/audit/draws/1", inquiry=str(inquiry), verdict=verdict, **changes)
    return int(answer.status_code)


def logged(pages: Pages, kind: str) -> list[tuple[str, str]]:
    sql = "SELECT who, outcome FROM platestream.inquiry_log WHERE kind = {kind:String} ORDER BY at"
    return [tuple(row) for row in pages.database.rows(sql, kind=kind)]


def says(browser: Person, *words: str) -> None:
    shown = " ".join(unescape(re.sub("<[^>]+>", " ", browser.page)).split())
    for one in words:
        assert one in shown, shown


def next_one(browser: Person) -> Sequence[str]:
    """The id of the inquiry that the page goes on with."""
    after = browser.page.partition('id="next"')[2]
    return re.findall(r'name="inquiry" value="([^"]+)"', after)[:1]


def test_a_draw_is_made_after_its_page_said_what_it_will_be(pages: Pages, auditor: Person) -> None:
    ask(pages, 12)
    auditor.get("/audit")
    says(auditor, f"No inquiries are drawn for the audit of {YEAR} yet", "No audits yet")
    auditor.get("/audit/draws")
    says(auditor, "employees made 12 inquiries", "10 of them are drawn at random")
    assert pages.database.value("SELECT count() FROM platestream.ledger") == 0
    answer = auditor.send("/audit/draws", year=str(YEAR))
    assert answer.url.path == "/audit/draws/1"
    ((entry, found),) = drawing.draws(pages.database.client(AUDITOR))
    assert (entry.who, found.year, found.population, len(found.inquiries)) == ("aud", YEAR, 12, 10)
    says(auditor, "0 of 10 judged", found.seed, entry.hash)
    assert auditor.page.count('name="verdict" value="meets"') == 10
    auditor.get("/audit")
    says(auditor, f"{YEAR}, draw 1", "0 of 10 judged", "Judge the next inquiry")


def test_another_draw_of_a_year_needs_a_reason_and_the_first_stays(pages: Pages, auditor: Person) -> None:
    drawn(pages, auditor)
    auditor.get("/audit/draws")
    says(auditor, f"{YEAR} already has a draw", "Reason for another draw")
    refused = auditor.send("/audit/draws", year=str(YEAR), again=" ")
    assert refused.status_code == 409
    says(auditor, "another one needs a reason")
    auditor.get("/audit/draws")
    assert auditor.send("/audit/draws", year=str(YEAR), again="A rehearsal").url.path == "/audit/draws/2"
    sql = "SELECT reason FROM platestream.inquiry_log WHERE kind = 'audit_draw' AND outcome = 'allowed'"
    assert ("A rehearsal",) in pages.database.rows(sql)
    auditor.get(f"/audit/memo/{YEAR}?draw=1")
    says(auditor, f"{YEAR} has 2 draws: draw 2 ; draw 1", "Judge the inquiries of draw 1")


def test_where_there_is_nothing_to_draw_from_the_page_says_so(pages: Pages, auditor: Person) -> None:
    auditor.get("/audit/draws")
    says(auditor, "employees made 0 inquiries", "There are no inquiries to draw from")
    assert auditor.get(f"/audit/draws?year={YEAR + 1}").status_code == 409
    says(auditor, "an audit is of a year from 2000")
    assert auditor.get("/audit/draws?year=soon").status_code == 400
    assert auditor.get("/audit/draws/7").status_code == 400
    says(auditor, "no draw 7")
    auditor.get(f"/audit/memo/{YEAR}")
    says(auditor, f"No inquiries are drawn for {YEAR}")


def test_inquiries_are_judged_one_after_another(pages: Pages, auditor: Person) -> None:
    first, second, third = drawn(pages, auditor)
    assert next_one(auditor) == [str(first)]
    says(auditor, "vale", "26-001234", "Stolen vehicle, followed up", "ABC*", "The checks have no findings")
    answer = auditor.send("/audit/draws/1", inquiry=str(second), verdict="meets", note="Case file seen")
    assert (answer.url.path, answer.url.fragment) == ("/audit/draws/1", "next")
    assert next_one(auditor) == [str(third)]
    fields = {"data_error": "Case number mistyped", "correction": "Put right"}
    auditor.send("/audit/draws/1", inquiry=str(third), verdict="fails", note="No such case", **fields)
    assert next_one(auditor) == [str(first)]
    says(auditor, "2 of 3 judged", "Case file seen", "No such case", "Case number mistyped", "Put right")
    auditor.send("/audit/draws/1", inquiry=str(first), verdict="meets")
    says(auditor, "3 of 3 judged", "All inquiries are judged")
    found = judging.findings(pages.database.client(AUDITOR), 1)
    assert {one: finding.meets for one, (_entry, finding) in found.items()} == {
        first: True,
        second: True,
        third: False,
    }
    assert {entry.who for entry, _finding in found.values()} == {"aud"}


def test_a_finding_is_changed_by_a_newer_one_and_both_stay(pages: Pages, auditor: Person) -> None:
    inquiry, *_more = drawn(pages, auditor)
    judge(auditor, inquiry)
    assert judge(auditor, inquiry, "fails", note="No such case") == 200
    says(auditor, "Does not meet the order", "Change this finding")
    client = pages.database.client(AUDITOR)
    assert len(ledger.read(client, "audit", "finding")) == 2
    assert not judging.findings(client, 1)[inquiry][1].meets


def test_a_finding_that_says_too_little_is_refused(pages: Pages, auditor: Person) -> None:
    inquiry, *_more = drawn(pages, auditor)
    assert judge(auditor, inquiry, "fails") == 409
    says(auditor, "needs a note that says why")
    assert judge(auditor, inquiry, "perhaps") == 400
    assert judge(auditor, uuid4()) == 400
    says(auditor, "is not in draw 1")
    assert judging.findings(pages.database.client(AUDITOR), 1) == {}


def test_an_inquiry_of_ones_own_has_no_form_and_says_why(pages: Pages, auditor: Person) -> None:
    (own,) = ask(pages, 1, "aud")
    drawn(pages, auditor, 1)
    says(auditor, "You made this inquiry. Nobody judges an inquiry of their own")
    assert str(own) not in re.findall(r'name="inquiry" value="([^"]+)"', auditor.page)
    assert judge(auditor, own) == 409
    assert ("aud", "refused") in logged(pages, "audit_finding")
    other = also(pages, "otto", "auditor")
    assert judge(other, own) == 200
    assert own in judging.findings(pages.database.client(AUDITOR), 1)


def test_when_only_own_inquiries_wait_the_page_says_who_judges_them(pages: Pages, auditor: Person) -> None:
    ask(pages, 1, "aud")
    (other,) = drawn(pages, auditor, 1)
    judge(auditor, other)
    says(auditor, "1 inquiry waits for another auditor")


def test_what_the_checks_found_stands_with_the_inquiry_and_on_the_overview(
    pages: Pages, auditor: Person
) -> None:
    inquiry, *_more = drawn(pages, auditor)
    found = Finding(
        finding_id=uuid4(),
        inquiry_id=inquiry,
        at=datetime.now(UTC),
        who="vale",
        agency="",
        kind="search",
        rule="purpose",
        grade="breach",
        detail="a prohibited purpose (F.1, I.3)",
    )
    pages.database.put(tables.INQUIRY_FINDINGS, found, found)
    auditor.get("/audit/draws/1")
    says(auditor, "breach a prohibited purpose (F.1, I.3)")
    auditor.get("/audit")
    says(auditor, "purpose 1", "vale: search for a plate; a prohibited purpose (F.1, I.3)", str(inquiry))


def test_an_inquiry_that_is_gone_from_the_log_is_said_and_can_be_judged(
    pages: Pages, auditor: Person
) -> None:
    gone, *_more = drawn(pages, auditor)
    pages.database.client().command(
        "ALTER TABLE platestream.inquiry_log DELETE WHERE inquiry_id = {one:UUID}",
        parameters={"one": gone},
        settings={"mutations_sync": 2},
    )
    auditor.get("/audit/draws/1")
    says(auditor, f"Inquiry {gone} was drawn, but it is missing from the inquiry log")
    assert judge(auditor, gone, "fails", note="Missing from the log") == 200


def test_the_memorandum_waits_for_every_finding(pages: Pages, auditor: Person) -> None:
    inquiry, *_more = drawn(pages, auditor)
    judge(auditor, inquiry)
    auditor.get(f"/audit/memo/{YEAR}")
    says(auditor, "The memorandum cannot be filed yet: 2 of 3 inquiries have no finding yet")
    assert "File memorandum" not in auditor.page
    auditor.get("/audit/draws")
    refused = auditor.send(f"/audit/memo/{YEAR}", draw="1", sure="yes")
    assert refused.status_code == 400
    says(auditor, "2 of 3 inquiries have no finding yet")
    assert ("aud", "refused") in logged(pages, "audit_memo")


def test_the_memorandum_is_read_filed_once_and_downloaded(pages: Pages, auditor: Person) -> None:
    inquiries = drawn(pages, auditor)
    for inquiry in inquiries:
        judge(auditor, inquiry)
    auditor.get(f"/audit/memo/{YEAR}")
    says(
        auditor, "Chief of Police", "3 of 3 inquiries meet the requirements", "1. Purpose", "Nothing is filed"
    )
    unsure = auditor.send(f"/audit/memo/{YEAR}", draw="1")
    assert unsure.status_code == 400
    client = pages.database.client(AUDITOR)
    assert judging.filed_memoranda(client) == []
    auditor.get(f"/audit/memo/{YEAR}")
    auditor.send(f"/audit/memo/{YEAR}", draw="1", sure="yes")
    says(auditor, "Filed", "by aud", "Download the PDF")
    ((entry, filed),) = judging.filed_memoranda(client)
    assert (entry.who, filed.inquiries, filed.met) == ("aud", 3, 3)
    assert ledger.verify(client) == []
    for kind, hashed in (("pdf", filed.pdf_sha256), ("md", filed.markdown_sha256)):
        answer = auditor.client.get(f"/audit/draws/1/memorandum.{kind}")
        assert hashlib.sha256(answer.content).hexdigest() == hashed
        assert f'"alpr-audit-{YEAR}-draw-1.{kind}"' in answer.headers["content-disposition"]
    assert auditor.send(f"/audit/memo/{YEAR}", draw="1", sure="yes").status_code == 409
    says(auditor, "filed is filed")
    auditor.get("/audit/draws/1")
    says(auditor, "The memorandum was filed")
    assert 'name="verdict"' not in auditor.page
    auditor.get("/audit")
    says(auditor, "Memorandum filed")


def test_there_is_no_paper_before_it_is_filed(pages: Pages, auditor: Person) -> None:
    drawn(pages, auditor)
    assert auditor.get("/audit/draws/1/memorandum.pdf").status_code == 400
    says(auditor, "is not filed yet")


def test_whether_the_log_is_whole_is_said_with_its_head(pages: Pages, auditor: Person) -> None:
    ask(pages)
    auditor.get("/audit/whole")
    says(auditor, "There are no seals yet", "to be sealed")
    seal_new(pages.database.client(SEALER))
    auditor.get("/audit/whole")
    (seal, last) = pages.database.rows(
        "SELECT seal, hash FROM platestream.inquiry_seals ORDER BY seal DESC LIMIT 1"
    )[0]
    says(auditor, f"{seal}:{last}")
    pages.database.client().command(
        "ALTER TABLE platestream.inquiry_log UPDATE reason = 'other' WHERE kind = 'search'",
        settings={"mutations_sync": 2},
    )
    auditor.get("/audit/whole")
    says(auditor, "Not intact: 3 faults were found")


def test_the_sealed_log_is_downloaded_for_a_reason_and_can_be_checked_anywhere(
    pages: Pages, auditor: Person
) -> None:
    ask(pages)
    seal_new(pages.database.client(SEALER))
    auditor.get("/audit")
    assert auditor.send("/audit/export", reason="").status_code == 403
    says(auditor, "neither case number nor reason")
    auditor.get("/audit")
    answer = auditor.send("/audit/export", reason=f"Yearly audit {YEAR}")
    assert re.search(
        r'attachment; filename="inquiry-log-[0-9-]+\.jsonl"', answer.headers["content-disposition"]
    )
    heads: list[inquiry_export.Head] = []
    lines = io.BytesIO(answer.content)
    assert list(inquiry_export.verify(lines, datetime.now(UTC), "", heads)) == []
    assert heads[0].seals == pages.database.value("SELECT count() FROM platestream.inquiry_seals")
    assert logged(pages, "audit_export") == [("aud", "refused"), ("aud", "allowed")]


def test_the_order_is_checked_when_asked_for_clause_by_clause(pages: Pages, auditor: Person) -> None:
    auditor.get("/audit/policy")
    says(auditor, "Check now")
    before = len(logged(pages, "audit_show"))
    answer = auditor.send("/audit/policy")
    assert answer.status_code == 200
    says(auditor, "Check again", "F.8.b", "30 days from the image, then deleted for good", "Not checked: ")
    says(auditor, "C.2 ALPR Administrator: the Chief or designee for people", "Names a person.")
    assert len(logged(pages, "audit_show")) == before + 1


def test_an_administrator_sees_the_audit_and_has_no_form_of_it(pages: Pages, auditor: Person) -> None:
    (inquiry,) = drawn(pages, auditor, 1)
    judge(auditor, inquiry)
    admin = also(pages, "adm", "administrator")
    for path in ("/audit", "/audit/draws", "/audit/draws/1", f"/audit/memo/{YEAR}"):
        assert admin.get(path).status_code == 200
        assert set(re.findall(r'method="post" action="([^"]+)"', admin.page)) == {"/sign-out"}
    for path, fields in (
        ("/audit/draws", {"again": "A rehearsal"}),
        ("/audit/draws/1", {"inquiry": str(inquiry), "verdict": "meets"}),
        (f"/audit/memo/{YEAR}", {"draw": "1", "sure": "yes"}),
        ("/audit/export", {"reason": "Yearly audit"}),
    ):
        admin.get("/audit")
        assert admin.send(path, **fields).status_code == 403
    for kind in ("audit_draw", "audit_finding", "audit_memo", "audit_export"):
        assert ("adm", "refused") in logged(pages, kind)


def test_who_may_not_see_the_audit_is_refused_and_on_record(pages: Pages, auditor: Person) -> None:
    drawn(pages, auditor)
    officer = also(pages, "vale", "officer")
    pages_of_the_audit = [
        *("/audit", "/audit/whole", "/audit/resets", "/audit/sign-ins", "/audit/draws", "/audit/draws/1"),
        *(f"/audit/memo/{YEAR}", "/audit/draws/1/memorandum.pdf"),
    ]
    for count, path in enumerate(pages_of_the_audit, 1):
        answer = officer.get(path)
        assert answer.status_code == 403, path
        assert "none of this user's roles may do this" in unescape(answer.text)
        assert "26-001234" not in answer.text
        assert logged(pages, "audit_show").count(("vale", "refused")) == count, path


def test_whoever_may_not_see_the_audit_does_not_check_the_order_here(pages: Pages, auditor: Person) -> None:
    officer = also(pages, "vale", "officer")
    officer.get("/audit/policy")
    assert officer.send("/audit/policy").status_code == 403
    assert logged(pages, "audit_show") == [("vale", "refused")]


def test_what_was_typed_into_the_audit_is_text_and_never_a_tag(pages: Pages, auditor: Person) -> None:
    bad = "<img src=x onerror=alert(1)>"
    (inquiry,) = ask(pages, 1, reason=f"Stolen vehicle {bad}", pattern="<b>*")
    auditor.get("/audit/draws")
    auditor.send("/audit/draws", year=str(YEAR))
    judge(auditor, inquiry, "fails", note=bad, data_error=bad, correction='"><b>')
    for path in ("/audit", "/audit/draws/1", f"/audit/memo/{YEAR}"):
        auditor.get(path)
        assert "<img src=x" not in auditor.page
        assert "<b>" not in auditor.page
