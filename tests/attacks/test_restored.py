"""An older backup that is restored, to forget what was done since."""

from tests.support.agency import Agency


def test_a_restored_backup_is_named_with_what_the_log_cannot_show(agency: Agency) -> None:
    assert agency.outcomes("records") == {"records": "held"}
    agency.log(kind="restore", reason="", change="not signed, author not proven, made 2026-10-01 02:00 UTC")
    agency.follow()
    (result,) = agency.results("records").values()
    (gap,) = result.gaps
    assert result.outcome == "not_checked"
    assert "author not proven, made 2026-10-01 02:00 UTC): later acts are missing" in gap.why
