"""The API held to its own description by schemathesis, which nobody here wrote."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from platestream.access import tokens
from platestream.web import api
from platestream.web.app import app
from tests.support.console import Pages
from tests.support.database import copied
from tests.support.hits import put_hit

pytestmark = pytest.mark.slow

EXAMPLES = 8
# Refused by rules (403, 409) is what a description cannot say: no usable case number, a step out of turn.
LEFT = [positive_data_acceptance]
PATHS = api.app(cast("Any", None)).openapi()["paths"]
OPERATIONS = [(path, method) for path, methods in PATHS.items() for method in methods]


@dataclass(frozen=True)
class Described:
    """The API as it describes itself, and the headers of a program that may do all of it."""

    schema: Any
    headers: dict[str, str]


@pytest.fixture(scope="module")
def described(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    folder = tmp_path_factory.mktemp("api")
    with copied(migrated, folder) as database:
        pages = Pages(database, folder / "data")
        pages.staff()
        put_hit(database, 1)
        ends_at = pages.clock() + timedelta(days=1)
        _made, text = tokens.stored_tokens(pages.settings).make("vale", "CAD", tokens.PARTS, ends_at)
        host = {"Host": "localhost"}
        schema = schemathesis.openapi.from_asgi("/api/openapi.json", app(pages.console), headers=host)
        yield Described(schema, {**host, "Authorization": f"Bearer {text}"})


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_operation_answers_as_it_is_described(described: Described, path: str, method: str) -> None:
    @given(described.schema[path][method].as_strategy())
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
    def holds(case: Any) -> None:
        case.call_and_validate(headers=described.headers, excluded_checks=LEFT)

    holds()
