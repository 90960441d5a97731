"""Delays after wrong passwords."""

from platestream.engine.client_origin import Attempt
from platestream.runtime.login_attempts import FREE, MOST, LoginAttempts

LONGEST, MEMORY = 64.0, 900.0

HERE = Attempt("smith", "10.0.0.1", None)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def guessed(times: int, clock: Clock) -> LoginAttempts[Attempt]:
    made = LoginAttempts[Attempt](first=1.0, longest=LONGEST, memory=MEMORY, clock=clock)
    for _ in range(times):
        made.record_failure(HERE)
    return made


def test_a_few_mistakes_cost_nothing() -> None:
    assert guessed(FREE - 1, Clock()).retry_after(HERE) == 0


def test_the_wait_doubles_up_to_the_longest() -> None:
    clock = Clock()
    made = guessed(FREE - 1, clock)
    waits = []
    for _ in range(10):
        made.record_failure(HERE)
        waits.append(made.retry_after(HERE))
        clock.now += waits[-1]
        assert made.retry_after(HERE) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64, LONGEST]


def test_no_other_account_address_or_user_waits() -> None:
    made = guessed(100, Clock())
    assert made.retry_after(HERE) == LONGEST
    others = (
        Attempt("jones", "10.0.0.1", None),
        Attempt("smith", "10.0.0.2", None),
        HERE._replace(local_user=7),
    )
    assert [made.retry_after(one) for one in others] == [0, 0, 0]


def test_guesses_are_forgotten_after_a_while_without_any() -> None:
    clock = Clock()
    made = guessed(100, clock)
    clock.now += MEMORY + 1
    assert made.record_failure(HERE) == 1


def test_what_is_remembered_is_bounded_and_lets_the_oldest_go() -> None:
    clock = Clock()
    made = guessed(FREE, clock)
    for number in range(MOST):
        clock.now += 1e-6
        made.record_failure(Attempt(f"name{number}", "10.0.0.1", None))
    assert len(made._failures) == MOST
    assert made.retry_after(HERE) == 0


def test_the_same_guess_again_is_no_new_attempt_and_another_is() -> None:
    made = guessed(0, Clock())
    assert [made.record_failure(HERE, one) for one in ("a", "a", "a", "b", "a", "a")] == [1, 1, 1, 2, 3, 3]
    assert [made.record_failure(HERE) for _ in range(2)] == [4, 5], "a failure without a guess counts"


def test_a_success_clears_the_failures() -> None:
    made = guessed(100, Clock())
    made.record_success(HERE)
    assert made.retry_after(HERE) == 0
    assert not made


def test_many_thousand_failures_wait_no_longer_than_the_longest() -> None:
    assert guessed(3 * MOST // 10, Clock()).retry_after(HERE) == LONGEST
