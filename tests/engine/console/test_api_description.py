"""The API held to its own description by schemathesis, which nobody here wrote."""

from datetime import timedelta
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from platestream.console import api
from platestream.console.app import app
from services import tokens
from tests.support.console import Pages
from tests.support.hits import put_hit

EXAMPLES = 8
# Refused by rules (403, 409) is what a description cannot say: no usable case number, a step out of turn.
LEFT = [positive_data_acceptance]
PATHS = api.app(cast("Any", None)).openapi()["paths"]
OPERATIONS = [(path, method) for path, methods in PATHS.items() for method in methods]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_operation_answers_as_it_is_described(pages: Pages, path: str, method: str) -> None:
    pages.staff()
    put_hit(pages.database, 1)
    ends_at = pages.clock() + timedelta(days=1)
    _made, text = tokens.kept(pages.settings).make("vale", "CAD", tokens.PARTS, ends_at)
    host = {"Host": "localhost"}
    described = schemathesis.openapi.from_asgi("/api/openapi.json", app(pages.console), headers=host)
    headers = {**host, "Authorization": f"Bearer {text}"}

    @given(described[path][method].as_strategy())
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
    def holds(case: Any) -> None:
        case.call_and_validate(headers=headers, excluded_checks=LEFT)

    holds()
