"""State that consoles share: a reader gets no session, a writer nobody else's, and one use is one."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import FormData, Headers, UploadFile

from platestream.runtime.login_attempts import FREE
from platestream.web import shared_state
from platestream.web.attempts import REMEMBERED, SharedAttempts
from platestream.web.challenges import Challenges
from platestream.web.forms import SentForm
from platestream.web.sessions import IDLE_LIMIT, LONGEST_SESSION, TOUCHED_EVERY, Sessions, Upload
from platestream.web.shared_state import SharedState, hashed
from tests.support.clock import NOW

KEY = b"key of the accounts"
MINUTE = timedelta(minutes=1)


class Two:
    """The state as two consoles have it open, and their sessions."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "console.sqlite"
        self.states = [SharedState(self.file, KEY) for _console in range(2)]
        self.ended: list[tuple[str, str]] = []
        self.a, self.b = (
            Sessions(one, lambda ended, _by, why: self.ended.extend((who, why) for who, _name in ended))
            for one in self.states
        )

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        """A statement of somebody who may write the file."""
        with sqlite3.connect(self.file) as other:
            return list(other.execute(statement, parameters))


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def test_a_session_is_found_and_ended_at_the_other_console(two: Two) -> None:
    token, made = two.a.begin("vale", NOW, "version", "Chrome", way="password", resets="2")
    found = two.b.find(token, NOW)
    assert found is not None
    assert (found.csrf, found.name, found.resets, found.link_key) == (
        made.csrf,
        made.name,
        "2",
        made.link_key,
    )
    assert [one.device for one in two.b.of("vale", NOW)] == ["Chrome"]
    two.b.end_all("vale", "lee", "revoked")
    assert two.a.find(token, NOW) is None
    assert two.ended == [("vale", "revoked")]


def test_the_end_of_a_session_is_recorded_by_one_console(two: Two) -> None:
    for _number in range(20):
        two.a.begin("vale", NOW)
    late = NOW + LONGEST_SESSION
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda sessions: sessions.end_expired(late), [two.a, two.b] * 4))
    assert two.ended == [("vale", "timed out")] * 20


def test_the_file_holds_no_token_no_form_and_no_upload_in_clear(two: Two) -> None:
    token, made = two.a.begin("vale", NOW)
    made.uploads.put("list", Upload("secret.csv", b"plate AST3087", {"source": "sjpd"}, ()), NOW)
    made.change(secret="TOTPSECRET")
    Challenges(two.states[0]).make("browser mark", NOW)
    SharedAttempts(two.states[0], "account", lambda: 0.0).record_failure("a password typed as a name")
    content = two.file.read_bytes()
    for one in (token, made.csrf, "AST3087", "secret.csv", "TOTPSECRET", "browser mark", "a password typed"):
        assert one.encode() not in content
    assert made.link_key not in content
    assert hashed("a password typed as a name") not in content, "a short text would be found by trying"
    assert two.file.stat().st_mode & 0o077 == 0


def test_a_row_that_is_put_under_another_token_or_item_admits_nobody(two: Two) -> None:
    (mine, _session), (theirs, _other) = two.a.begin("thief", NOW), two.a.begin("lee", NOW)
    two.sql(
        "UPDATE sessions SET content = (SELECT content FROM sessions WHERE key = ?) WHERE key = ?",
        hashed(theirs),
        hashed(mine),
    )
    assert two.b.find(mine, NOW) is None
    assert two.b.find(theirs, NOW) is not None


def test_a_row_of_another_persons_name_admits_the_one_who_signed_in(two: Two) -> None:
    mine, _session = two.a.begin("thief", NOW)
    two.sql("UPDATE sessions SET who = 'lee', ends = ends + 100000")
    found = two.b.find(mine, NOW)
    assert found is not None
    assert found.who == "thief"
    assert two.b.find(mine, NOW + IDLE_LIMIT) is None, "its end is in the encrypted text"


def test_a_session_made_without_the_key_of_the_accounts_admits_nobody(two: Two) -> None:
    token, _session = Sessions(SharedState(two.file, b"another key")).begin("lee", NOW)
    assert two.a.find(token, NOW) is None


def test_a_change_of_an_ended_session_does_not_bring_it_back(two: Two) -> None:
    token, made = two.a.begin("vale", NOW)
    two.b.end_all("vale")
    made.change(shift="s1")
    made.extend(NOW + MINUTE, NOW + timedelta(hours=8))
    made.searches.put("x", SentForm((("plate", "AST3087"),)), NOW)
    assert two.a.find(token, NOW) is None
    assert two.sql("SELECT count(*) FROM items") == [(0,)]


def test_what_a_session_holds_is_gone_with_it(two: Two) -> None:
    _token, made = two.a.begin("vale", NOW)
    made.searches.put("x", SentForm((("plate", "AST3087"),)), NOW)
    assert two.sql("SELECT count(*) FROM items") == [(1,)]
    two.b.end_all("vale")
    assert two.sql("SELECT count(*) FROM items") == [(0,)]


def test_two_consoles_change_different_fields_of_one_session(two: Two) -> None:
    token, made = two.a.begin("vale", NOW)
    other = two.b.find(token, NOW)
    assert other is not None
    made.change(proved_at=NOW)
    other.change(shift="s1")
    found = two.a.find(token, NOW)
    assert found is not None
    assert (found.proved_at, found.shift) == (NOW, "s1")


def test_the_thirty_minutes_count_requests_at_both_consoles(two: Two) -> None:
    token, _made = two.a.begin("vale", NOW)
    now = NOW
    for number in range(5):
        now += IDLE_LIMIT - TOUCHED_EVERY - timedelta(seconds=1)
        assert (two.a, two.b)[number % 2].find(token, now) is not None
    assert two.a.find(token, now + IDLE_LIMIT) is None
    assert two.b.find(token, now + IDLE_LIMIT, used=False) is None


def test_a_clock_that_is_behind_does_not_take_back_a_request_and_a_far_one_ends_the_session(two: Two) -> None:
    token, _made = two.a.begin("vale", NOW)
    assert two.b.find(token, NOW + 10 * MINUTE) is not None
    behind = two.a.find(token, NOW + 5 * MINUTE)
    assert behind is not None
    behind.change(last_request=NOW + 5 * MINUTE)
    assert two.b.find(token, NOW + 35 * MINUTE) is not None
    assert two.a.find(token, NOW - IDLE_LIMIT) is None, "a clock that is wrong by so much keeps nobody in"


def test_a_session_of_a_later_release_with_another_field_is_read(two: Two) -> None:
    token, made = two.a.begin("vale", NOW)
    assert made.seal is not None
    purpose = f"session {made.key.hex()}"
    content = {"who": "vale", "began": NOW, "until": NOW + MINUTE, "last_request": NOW, "newer": 1}
    sealed = made.seal.close(content, purpose)
    two.sql("UPDATE sessions SET content = ?", sealed)
    assert two.b.find(token, NOW) is not None
    two.sql("UPDATE sessions SET content = ?", made.seal.close({"who": "vale"}, purpose))
    assert two.b.find(token, NOW) is None


def test_an_item_is_taken_once_and_ends_in_time(two: Two) -> None:
    token, made = two.a.begin("vale", NOW)
    for number in range(20):
        made.uploads.put(f"file {number}", Upload("a.csv", b"", {}, (), name=f"file {number}"), NOW)
        other = two.b.find(token, NOW)
        assert other is not None
        with ThreadPoolExecutor(4) as pool:
            name = f"file {number}"
            found = list(pool.map(lambda one: one.uploads.get(name, NOW, take=True), [made, other] * 2))  # noqa: B023
        assert sum(one is not None for one in found) == 1
    made.uploads.put("late", Upload("a.csv", b"", {}, ()), NOW)
    assert made.uploads.get("late", NOW + 9 * MINUTE) is not None
    assert made.uploads.get("late", NOW + 10 * MINUTE) is None


def test_a_challenge_is_answered_once_over_both_consoles(two: Two) -> None:
    both = [Challenges(one) for one in two.states]
    for number in range(20):
        made = both[0].make(f"browser {number}", NOW)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda one: one.take(f"browser {number}", NOW), both * 2))  # noqa: B023
        assert found.count(made) == 1
    assert both[1].take("another", NOW) != both[1].take("another", NOW)
    made = both[0].make("late", NOW)
    assert both[1].take("late", NOW + 6 * MINUTE) != made


def test_attempts_at_both_consoles_are_one_count_and_cannot_be_the_same_one(two: Two) -> None:
    now = [1000.0]
    both = [SharedAttempts(one, "account", lambda: now[0]) for one in two.states]
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda one: one.claim("vale").wait, both * 10))
    assert claims.count(0.0) == FREE
    assert both[0].retry_after("vale") == both[1].retry_after("vale") == 30.0
    now[0] += 30.0
    assert [both[number % 2].claim("vale").wait for number in range(2)] == [0.0, 60.0]
    assert both[1].claim("lee").wait == 0.0
    now[0] += REMEMBERED.total_seconds()
    assert both[0].retry_after("vale") == 0.0


def test_a_claim_that_is_given_back_counts_for_nothing(two: Two) -> None:
    now = [1000.0]
    one = SharedAttempts(two.states[0], "account", lambda: now[0])
    for _number in range(FREE):
        one.record_failure("vale")
    now[0] += 31.0
    claim = one.claim("vale")
    assert (claim.wait, one.retry_after("vale")) == (0.0, 60.0)
    one.give_back("vale", claim)
    assert one.retry_after("vale") == 0.0


def test_an_alert_has_one_number_at_both_consoles_and_numbers_rise(two: Two) -> None:
    names = [str(number) for number in range(20)]
    with ThreadPoolExecutor(4) as pool:
        asked = [(state, name) for name in names for state in two.states]
        found = list(pool.map(lambda one: (one[1], one[0].number_of_hit(one[1], NOW)), asked))
    numbers = dict(found)
    assert set(found) == set(numbers.items())
    assert len(set(numbers.values())) == 20
    assert min(numbers.values()) == int(NOW.timestamp() * 1000)
    assert two.states[1].number_of_hit("late", NOW - MINUTE) > max(numbers.values())


def test_a_change_of_the_registry_is_noticed_by_the_other_console(two: Two) -> None:
    before = two.states[1].changes
    two.states[0].note_change()
    assert two.states[1].changes == before + 1


def test_values_that_anybody_may_ask_for_are_bounded(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 50
    monkeypatch.setattr(shared_state, "MOST", most)
    state = two.states[0]
    with state.change():
        for number in range(most + 5):
            state.put("challenge", str(number), b"", NOW + MINUTE)
    assert two.sql("SELECT count(*) FROM shared") == [(most,)]
    assert state.get("challenge", "4", bytes, NOW) is None
    state.tend(NOW + MINUTE)
    assert two.sql("SELECT count(*) FROM shared") == [(0,)]


def test_a_console_that_is_killed_during_a_change_leaves_the_state_of_before(two: Two) -> None:
    killed = f"""
import os
from pathlib import Path
from platestream.web.shared_state import SharedState
state = SharedState(Path({str(two.file)!r}), {KEY!r})
with state.change():
    state.note_change()
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == -9
    assert two.states[0].changes == 0
    two.states[1].note_change()
    assert two.states[0].changes == 1


def test_a_form_with_a_file_is_stored_as_it_was_sent() -> None:
    import io

    file = UploadFile(io.BytesIO(b"a,b\n"), filename="é.csv", headers=Headers({"content-type": "text/csv"}))
    sent = SentForm.of(FormData([("one", "1"), ("file", file), ("one", "2")]))
    form = sent.form()
    assert form.getlist("one") == ["1", "2"]
    again = form["file"]
    assert isinstance(again, UploadFile)
    assert (again.filename, again.content_type, again.file.read()) == ("é.csv", "text/csv", b"a,b\n")
