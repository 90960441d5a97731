"""Translation of a request into a checked statement for the engine, with the paths of its data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from platestream.engine.accounts import Account
from platestream.engine.body import Body
from platestream.engine.configuration import OWNER
from platestream.engine.errors import ACCESS_DENIED, BAD_ARGUMENTS, READONLY, SYNTAX_ERROR, EngineError
from platestream.engine.requests import QueryRequest
from platestream.engine.runner import Runner, Work, quote_name, quote_string
from platestream.engine.statements import Kind, Statement, identifier_parameters, join_tokens, parse_statement

# An unclosed quote extends to the end, and nothing is backtracked (`*+`). Otherwise a text full of quotes
# would take quadratic time.
_TOKEN = re.compile(
    rb"(?P<space>\s+|--[^\n]*|#[ !][^\n]*|/\*.*?(?:\*/|\Z))"
    rb"|(?P<quoted>'(?:[^'\\]|\\.|'')*+'?|`(?:[^`\\]|\\.|``)*+`?|\"(?:[^\"\\]|\\.|\"\")*+\"?)"
    rb"|(?P<word>\w+)|(?P<other>.)",
    re.DOTALL,
)
_BEFORE_DATA = re.compile(rb"[ \t\f]*\r?\n?")
_STRING = re.compile(rb"'(?:[^'\\]|\\.|'')*+('?)", re.DOTALL)
# Outside of strings: plain characters, no quoted name, comment or sub-query, and calls of harmless functions.
_PLAIN = re.compile(rb"(?!.*--)(?!.*/\*)[\w\s(),.:+*/\[\]{}=<>-]*", re.DOTALL)
_CALLED = re.compile(rb"\b(?:(\w++)\s*+\(|(SELECT)\b)", re.IGNORECASE)
_HARMLESS_CALLS = re.compile(
    rb"now(64)?|today|yesterday|array|tuple|map|concat|generateuuidv[47]|to[a-z0-9]+", re.IGNORECASE
)
LIMIT = 256 * 1024
# No backtracking (`*+`): n comments in a row could be matched in 2 to the n ways.
_SPACE = rb"(?:\s|--[^\n]*(?:\n|$)|#[ !][^\n]*(?:\n|$)|/\*.*?\*/)*+"
_READS = re.compile(_SPACE + rb"(?:SELECT|WITH|FROM|EXPLAIN|\()", re.IGNORECASE | re.DOTALL)
_LITERAL = (
    "input_format_values_interpret_expressions = 0, input_format_values_deduce_templates_of_expressions = 0"
)
_MAX_STATEMENT = 1 << 20


@dataclass(frozen=True)
class Plan:
    """A checked statement of a known account.

    `data`, which an INSERT reads, may be the body itself. In `literal` data no expressions are evaluated.
    """

    statement: Statement
    work: Work
    format: str
    owner: bool
    data: Body | None = None
    literal: bool = False

    @property
    def reads(self) -> bool:
        return self.statement.kind is Kind.READ

    def sql(self, path: str = "", compression: str = "") -> str:
        """Return the SQL to run: results go to `path`, data of an INSERT comes from `data`."""
        text = self.statement.text
        if self.reads:
            packed = f" COMPRESSION {quote_string(compression)}" if compression else ""
            tail = f" {join_tokens(self.statement.tail)}" if self.statement.tail else ""
            output = f"INTO OUTFILE {quote_string(path)} TRUNCATE{packed}"
            return f"{text} {output} FORMAT {quote_name(self.format)}{tail}"
        if self.data is not None:
            return _insert(self.statement, self.data, literal=self.literal)
        return text


def make_plan(
    runner: Runner, request: QueryRequest, account: Account, body: Body, before: tuple[str, ...], *, get: bool
) -> Plan:
    """Parse and check a request. Raises EngineError with a sentence. Blocks while the engine parses."""
    roles = _roles(request, account)
    owner = OWNER in roles
    prefix = request.query.encode() + (b"\n" if request.query else b"")
    start = prefix + body.read(_MAX_STATEMENT)
    head = split(start)
    if head is None and body.size > _MAX_STATEMENT:
        raise EngineError(SYNTAX_ERROR, f"a statement is {_MAX_STATEMENT} bytes long at most")
    found = _parsed(runner, head.sql if head else start)
    if get and found.kind not in (Kind.READ, Kind.SESSION):
        raise EngineError(READONLY, "GET only reads: use POST for statements that change something")
    runner.checks.check(found, owner=owner)
    _check_parameters(runner, found, request, owner=owner)
    work = _work(request, account, roles, before)
    runner.checks.check_database(work.database, owner=owner)
    data, literal = None, False
    if head is not None and head.data_at is not None:
        data = _data(prefix, body, head.data_at)
        values = (found.format or "").lower() == "values"
        literal = values and _is_literal(runner, data)
    elif found.kind is Kind.INSERT and not {"SELECT", "WITH"} & {token.text for token in found.tokens}:
        raise EngineError(SYNTAX_ERROR, "an INSERT needs VALUES, FORMAT and data, or SELECT")
    written_as = found.format or request.default_format
    return Plan(found.for_account(account.name), work, written_as, owner, data, literal)


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
    return parse_statement(tokens)


def _roles(request: QueryRequest, account: Account) -> tuple[str, ...]:
    """Return the roles in the URL, else all of the account's.

    Raises EngineError for a role that was not granted.
    """
    if other := [role for role in request.roles if role not in account.roles]:
        raise EngineError(512, f"role {other[0]} is not granted to this account")
    return request.roles or account.roles


def _check_parameters(runner: Runner, found: Statement, request: QueryRequest, *, owner: bool) -> None:
    for name in identifier_parameters(found.tokens):
        if name not in request.parameters:
            raise EngineError(456, f"the parameter {name}, an identifier, is given with the request itself")
        runner.checks.check_parameter(request.parameters[name], owner=owner)


def _work(request: QueryRequest, account: Account, roles: tuple[str, ...], before: tuple[str, ...]) -> Work:
    if len(request.query_id) > 128:
        raise EngineError(BAD_ARGUMENTS, "a query_id is 128 characters long at most")
    return Work(
        account.name,
        roles,
        request.query_id,
        account.profile,
        request.database,
        request.settings,
        request.parameters,
        before,
    )


def _data(prefix: bytes, body: Body, at: int) -> Body:
    if at <= len(prefix):
        return body.rest(0, prefix[at:])
    return body.rest(at - len(prefix))


def _is_literal(runner: Runner, data: Body) -> bool:
    """Return whether unchecked values of VALUES must be taken without evaluating expressions.

    The format reads each value literally or, failing that, as an SQL expression, so they are checked like
    those of a SELECT. Raises EngineError for a call that `rules` do not allow.
    """
    if data.size > LIMIT // 2:
        return not may_evaluate(data.read(data.size))
    try:
        text = data.read(data.size).decode()
        found = parse_statement(runner.tokens(f"SELECT {text.rstrip().rstrip(';')}"))
    except (UnicodeDecodeError, EngineError):
        return True
    runner.checks.check(found, owner=False)
    return False


def _insert(statement: Statement, data: Body, *, literal: bool) -> str:
    """Return `INSERT INTO t (…) FROM INFILE … SETTINGS … FORMAT f`, with a file of this process."""
    tokens = list(statement.tokens)
    cut = next((at for at, token in enumerate(tokens) if token.text == "SETTINGS"), len(tokens))
    settings = join_tokens(tokens[cut:])
    if literal:
        settings = f"{settings}, {_LITERAL}" if settings else f"SETTINGS {_LITERAL}"
    into = join_tokens(tokens[:cut])
    source = f"FROM INFILE {quote_string(data.path)}"
    return f"{into} {source} {settings} FORMAT {quote_name(statement.format or 'Values')}"


def killed_query_id(statement: Statement) -> str:
    """Return the query id that a KILL QUERY names. Raises EngineError for other conditions."""
    words = [token.text for token in statement.tokens]
    if (
        words[2:5] == ["WHERE", "query_id", "="]
        and statement.tokens[5].type == "StringLiteral"
        and len(words) <= 7
    ):
        return re.sub(r"\\(.)", r"\1", words[5][1:-1]).replace("''", "'")
    raise EngineError(
        ACCESS_DENIED, "KILL QUERY here is: KILL QUERY WHERE query_id = '…', for a query of one's own"
    )


@dataclass(frozen=True)
class Head:
    """Head of an INSERT.

    `sql` is the statement without data, VALUES as FORMAT Values; `data_at` is the offset of the data or None.
    """

    sql: bytes
    data_at: int | None


def split(text: bytes) -> Head | None:
    """Return the head of an INSERT, or None for another statement. Only the first LIMIT bytes are examined.

    `text` is the query of the URL, a line break and the body, joined as in ClickHouse.
    """
    words = _words(text[:LIMIT])
    first = next(words, None)
    if first is None or first[0] != b"INSERT":
        return None
    for word, begin, end, depth in words:
        if depth or word in (b"SELECT", b"WITH"):
            if not depth:
                return Head(text, None)
            continue
        if word == b"VALUES":
            return Head(text[:begin] + b" FORMAT Values", end)
        if word == b"FORMAT":
            name = next(words, None)
            if name is not None:
                after = _BEFORE_DATA.match(text, name[2])
                return Head(text[: name[2]], after.end() if after else name[2])
    return Head(text, None)


def may_evaluate(data: bytes) -> bool:
    """Return whether the expressions in the data of VALUES call harmless functions only."""
    rest = _STRING.sub(lambda found: b" " if found[1] else b"'", data)
    if not _PLAIN.fullmatch(rest):
        return False
    called = (name or word for name, word in _CALLED.findall(rest))
    return all(_HARMLESS_CALLS.fullmatch(name) for name in called)


def _words(text: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield (word in upper case, begin, end, depth of brackets) in order."""
    depth = 0
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "word":
            yield match[0].upper(), match.start(), match.end(), depth
        elif match.lastgroup == "other":
            depth += (match[0] in (b"(", b"[", b"{")) - (match[0] in (b")", b"]", b"}"))
