"""Codes of command lines: whatever the order of events, a token goes once to the machine that asked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from platestream.web.device_codes import (
    INTERVAL,
    LENGTH,
    LETTERS,
    LIVES,
    MOST,
    MOST_OF_ADDRESS,
    DeviceCodes,
    Request,
    TooManyError,
    normalized,
    shown,
)
from platestream.web.shared_state import SharedState

START = datetime(2026, 11, 28, 12, tzinfo=UTC)


def codes_in(folder: str | Path) -> DeviceCodes:
    return DeviceCodes(SharedState(Path(folder, "console.sqlite")))


class Codes(RuleBasedStateMachine):
    """Machines that ask, people who decide, and thieves, against what RFC 8628 says."""

    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.codes, self.now = codes_in(self.folder.name), START
        self.state: dict[str, str] = {}
        self.ends: dict[str, datetime] = {}
        self.next_poll: dict[str, datetime] = {}
        self.interval: dict[str, timedelta] = {}
        self.given: list[str] = []

    @rule(target=asked)
    def ask(self) -> Any:
        secret, made = self.codes.begin("host", "platestream sign-in", f"10.0.0.{len(self.state)}", self.now)
        self.state[secret], self.ends[secret] = "waiting", self.now + LIVES
        self.interval[secret] = INTERVAL
        return secret, made.code

    @rule(one=asked, allow=st.booleans())
    def decide(self, one: tuple[str, str], allow: bool) -> None:
        secret, code = one
        found = self.codes.claim(shown(code).lower(), self.now)
        open_ = self.state[secret] == "waiting" and self.now < self.ends[secret]
        assert (found is not None) == open_
        if found is None:
            return
        assert self.codes.claim(code, self.now) is None, "one decision at a time"
        if allow:
            self.codes.grant(found, "vale", f"token of {code}")
        else:
            self.codes.deny(found)
        self.state[secret] = "granted" if allow else "denied"

    @rule(one=asked)
    def fail(self, one: tuple[str, str]) -> None:
        found = self.codes.claim(one[1], self.now)
        if found is not None:
            self.codes.release(found)

    @rule(seconds=st.sampled_from([1, 5, 6, 20, 300, 601]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(one=asked)
    def poll(self, one: tuple[str, str]) -> None:
        secret, code = one
        answer = self.codes.poll(secret, self.now)
        if self.now >= self.ends[secret] or self.state[secret] == "over":
            assert answer == "expired_token"
            return
        early = self.now < self.next_poll.get(secret, START)
        if early:
            self.interval[secret] += INTERVAL
        self.next_poll[secret] = self.now + self.interval[secret]
        if early:
            assert answer == "slow_down"
        elif self.state[secret] == "waiting":
            assert answer == "authorization_pending"
        elif self.state[secret] == "denied":
            assert answer == "access_denied"
            self.state[secret] = "over"
        else:
            assert isinstance(answer, Request)
            assert answer.text == f"token of {code}"
            self.given.append(secret)
            self.state[secret] = "over"

    @rule(one=asked)
    def steal(self, one: tuple[str, str]) -> None:
        assert self.codes.poll(one[1], self.now) == "expired_token", "the short code is no secret"

    def teardown(self) -> None:
        self.folder.cleanup()

    @invariant()
    def once(self) -> None:
        assert len(set(self.given)) == len(self.given)


TestCodes = Codes.TestCase
TestCodes.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_code_is_eight_letters_without_vowel_that_are_read_however_they_are_typed(
    tmp_path: Path,
) -> None:
    _secret, made = codes_in(tmp_path).begin("host", "x", "", START)
    assert len(made.code) == LENGTH
    assert set(made.code) <= set(LETTERS)
    assert normalized(f" {shown(made.code).lower()} ") == made.code
    assert len(LETTERS) ** LENGTH > 2**34


def test_waiting_codes_are_limited_by_address_and_in_all(tmp_path: Path) -> None:
    codes = codes_in(tmp_path)
    for _number in range(MOST_OF_ADDRESS):
        codes.begin("host", "x", "10.0.0.1", START)
    with pytest.raises(TooManyError):
        codes.begin("host", "x", "10.0.0.1", START)
    for number in range(MOST - MOST_OF_ADDRESS):
        codes.begin("host", "x", f"10.1.{number // 200}.{number % 200}", START)
    with pytest.raises(TooManyError):
        codes.begin("host", "x", "10.2.0.1", START)
    assert codes.begin("host", "x", "10.0.0.1", START + LIVES)
