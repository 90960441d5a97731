import logging

from platestream.runtime.log_rate_limit import LogRateLimit


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def test_what_is_said_again_and_again_is_counted_and_nothing_else_is_lost() -> None:
    at, handler = 0.0, Kept()
    handler.addFilter(LogRateLimit(most=2, now=lambda: at))
    noisy, calm = logging.Logger("noisy"), logging.Logger("calm")
    for logger in (noisy, calm):
        logger.addHandler(handler)
    for number in range(5):
        noisy.warning("refused %d", number)
    noisy.error("broken")
    calm.warning("a camera is silent")
    for _ in range(3):
        noisy.info("somebody signed in")
    assert handler.said == [
        "refused 0",
        "refused 1",
        "broken",
        "a camera is silent",
        *["somebody signed in"] * 3,
    ]
    at = 60.0
    handler.said.clear()
    noisy.warning("refused %d", 5)
    noisy.warning("refused %d", 6)
    assert handler.said == ["refused 5 (before it 3 more were left out)", "refused 6"]
