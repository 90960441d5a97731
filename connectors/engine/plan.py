"""From a request to what the engine runs: a statement that was checked, with places of ours for data."""

import re
from dataclasses import dataclass

from connectors.engine import insert_head
from connectors.engine.accounts import Account
from connectors.engine.asked import Asked
from connectors.engine.body import Body
from connectors.engine.configuration import OWNER
from connectors.engine.errors import (
    ACCESS_DENIED,
    BAD_ARGUMENTS,
    READONLY,
    SYNTAX_ERROR,
    EngineError,
)
from connectors.engine.runner import Runner, Work, named, quoted
from connectors.engine.statements import (
    Kind,
    Statement,
    identifier_parameters,
    statement,
    written,
)

# Nothing is tried twice (`*+`): n comments in a row could be told apart in 2 to the n ways.
_SPACE = rb"(?:\s|--[^\n]*(?:\n|$)|#[ !][^\n]*(?:\n|$)|/\*.*?\*/)*+"
_READS = re.compile(_SPACE + rb"(?:SELECT|WITH|FROM|EXPLAIN|\()", re.IGNORECASE | re.DOTALL)
_LITERAL = (
    "input_format_values_interpret_expressions = 0, input_format_values_deduce_templates_of_expressions = 0"
)
_LONGEST = 1 << 20


@dataclass(frozen=True)
class Plan:
    """A checked statement of a known account. `data`, which an INSERT reads, may be the body itself.

    `literal` data has no expressions evaluated.
    """

    asked: Statement
    work: Work
    format: str
    owner: bool
    data: Body | None = None
    literal: bool = False

    @property
    def reads(self) -> bool:
        return self.asked.kind is Kind.READ

    def sql(self, path: str = "", compression: str = "") -> str:
        """What to run: results go to `path`, data of an INSERT comes from `data`."""
        text = self.asked.text
        if self.reads:
            packed = f" COMPRESSION {quoted(compression)}" if compression else ""
            tail = f" {written(self.asked.tail)}" if self.asked.tail else ""
            return f"{text} INTO OUTFILE {quoted(path)} TRUNCATE{packed} FORMAT {named(self.format)}{tail}"
        if self.data is not None:
            return _insert(self.asked, self.data, literal=self.literal)
        return text


def plan(
    runner: Runner, asked: Asked, account: Account, body: Body, before: tuple[str, ...], *, get: bool
) -> Plan:
    """Parse and check. Raises EngineError with a sentence. Blocks while the engine parses."""
    roles = _roles(asked, account)
    owner = OWNER in roles
    prefix = asked.query.encode() + (b"\n" if asked.query else b"")
    start = prefix + body.read(_LONGEST)
    head = insert_head.split(start)
    if head is None and body.size > _LONGEST:
        raise EngineError(SYNTAX_ERROR, f"a statement is {_LONGEST} bytes long at most")
    found = _parsed(runner, head.sql if head else start)
    if get and found.kind not in (Kind.READ, Kind.SESSION):
        raise EngineError(READONLY, "GET only reads: use POST for statements that change something")
    runner.checks.check(found, owner=owner)
    _check_parameters(runner, found, asked, owner=owner)
    work = _work(asked, account, roles, before)
    runner.checks.check_database(work.database, owner=owner)
    data, literal = None, False
    if head is not None and head.data_at is not None:
        data = _data(prefix, body, head.data_at)
        values = (found.format or "").lower() == "values"
        literal = values and _is_literal(runner, data)
    elif found.kind is Kind.INSERT and not {"SELECT", "WITH"} & {token.text for token in found.tokens}:
        raise EngineError(SYNTAX_ERROR, "an INSERT needs VALUES, FORMAT and data, or SELECT")
    written_as = found.format or asked.default_format
    return Plan(found.as_asked_by(account.name), work, written_as, owner, data, literal)


def _parsed(runner: Runner, text: bytes) -> Statement:
    try:
        sql = text.decode()
    except UnicodeDecodeError:
        raise EngineError(SYNTAX_ERROR, "the statement is not UTF-8 text") from None
    if not sql.strip():
        raise EngineError(SYNTAX_ERROR, "no statement: name it in the parameter query or send it as the body")
    tokens = runner.tokens(sql)
    if tokens[0].text == "SELECT" and not _READS.match(text):
        raise EngineError(SYNTAX_ERROR, f"no statement begins with {sql.split()[0]}")  # or SELECT is left out
    return statement(tokens)


def _roles(asked: Asked, account: Account) -> tuple[str, ...]:
    """The roles in the URL, else all of the account's. Raises EngineError for a role it was not granted."""
    if other := [role for role in asked.roles if role not in account.roles]:
        raise EngineError(512, f"role {other[0]} is not granted to this account")
    return asked.roles or account.roles


def _check_parameters(runner: Runner, found: Statement, asked: Asked, *, owner: bool) -> None:
    for name in identifier_parameters(found.tokens):
        if name not in asked.parameters:
            raise EngineError(456, f"the parameter {name}, an identifier, is given with the request itself")
        runner.checks.check_parameter(asked.parameters[name], owner=owner)


def _work(asked: Asked, account: Account, roles: tuple[str, ...], before: tuple[str, ...]) -> Work:
    if len(asked.query_id) > 128:
        raise EngineError(BAD_ARGUMENTS, "a query_id is 128 characters long at most")
    return Work(
        account.name,
        roles,
        asked.query_id,
        account.profile,
        asked.database,
        asked.settings,
        asked.parameters,
        before,
    )


def _data(prefix: bytes, body: Body, at: int) -> Body:
    if at <= len(prefix):
        return body.rest(0, prefix[at:])
    return body.rest(at - len(prefix))


def _is_literal(runner: Runner, data: Body) -> bool:
    """Whether VALUES are taken without evaluating expressions: where nobody looked at what they call.

    The format takes each value as it is or, failing that, as an expression of SQL, so they are looked at as
    those of a SELECT. Raises EngineError for a call that `rules` do not let through.
    """
    if data.size > insert_head.LIMIT // 2:
        return not insert_head.may_evaluate(data.read(data.size))
    try:
        text = data.read(data.size).decode()
        found = statement(runner.tokens(f"SELECT {text.rstrip().rstrip(';')}"))
    except (UnicodeDecodeError, EngineError):
        return True
    runner.checks.check(found, owner=False)
    return False


def _insert(asked: Statement, data: Body, *, literal: bool) -> str:
    """`INSERT INTO t (…) FROM INFILE … SETTINGS … FORMAT f`, where the file is ours."""
    tokens = list(asked.tokens)
    cut = next((at for at, token in enumerate(tokens) if token.text == "SETTINGS"), len(tokens))
    settings = written(tokens[cut:])
    if literal:
        settings = f"{settings}, {_LITERAL}" if settings else f"SETTINGS {_LITERAL}"
    into = written(tokens[:cut])
    return f"{into} FROM INFILE {quoted(data.path)} {settings} FORMAT {named(asked.format or 'Values')}"


def killed(asked: Statement) -> str:
    """The query id that a KILL QUERY names. Raises EngineError for other conditions."""
    words = [token.text for token in asked.tokens]
    if (
        words[2:5] == ["WHERE", "query_id", "="]
        and asked.tokens[5].type == "StringLiteral"
        and len(words) <= 7
    ):
        return re.sub(r"\\(.)", r"\1", words[5][1:-1]).replace("''", "'")
    raise EngineError(
        ACCESS_DENIED, "KILL QUERY here is: KILL QUERY WHERE query_id = '…', for a query of one's own"
    )
