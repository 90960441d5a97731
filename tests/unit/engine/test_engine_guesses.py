"""Who waits after wrong passwords, and for how long."""

from connectors.engine.guesses import FORGOTTEN, FREE, LONGEST, MOST, Attempt, Guesses

HERE = Attempt("smith", "10.0.0.1", None)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def guessed(times: int, clock: Clock) -> Guesses:
    made = Guesses(clock)
    for _ in range(times):
        made.count(HERE)
    return made


def test_a_few_mistakes_cost_nothing() -> None:
    assert guessed(FREE - 1, Clock()).wait(HERE) == 0


def test_the_wait_doubles_up_to_the_longest() -> None:
    clock = Clock()
    made = guessed(FREE - 1, clock)
    waits = []
    for _ in range(10):
        made.count(HERE)
        waits.append(made.wait(HERE))
        clock.now += waits[-1]
        assert made.wait(HERE) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64, LONGEST]


def test_no_other_account_address_or_user_waits() -> None:
    made = guessed(100, Clock())
    assert made.wait(HERE) == LONGEST
    others = (
        Attempt("jones", "10.0.0.1", None),
        Attempt("smith", "10.0.0.2", None),
        HERE._replace(local_user=7),
    )
    assert [made.wait(one) for one in others] == [0, 0, 0]


def test_guesses_are_forgotten_after_a_while_without_any() -> None:
    clock = Clock()
    made = guessed(100, clock)
    clock.now += FORGOTTEN + 1
    assert made.count(HERE) == 1


def test_what_is_remembered_is_bounded_and_lets_the_oldest_go() -> None:
    clock = Clock()
    made = guessed(FREE, clock)
    for number in range(MOST):
        clock.now += 1e-6
        made.count(Attempt(f"name{number}", "10.0.0.1", None))
    assert len(made._wrong) == MOST
    assert made.wait(HERE) == 0
