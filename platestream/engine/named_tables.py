"""The tables of `platestream` that a statement names, and its verb."""

from collections.abc import Iterator, Mapping, Sequence

from platestream.engine.statements import Token

DATABASE = "platestream"
# A table follows these words; a list of tables continues after a comma until the next clause.
_BEFORE = frozenset(
    (
        *("FROM", "JOIN", "INTO", "TABLE", "VIEW", "IN", "EXISTS", "DESCRIBE", "DESC"),
        *("AS", "TO", "AND", "UPDATE"),  # CREATE … AS t, RENAME … TO t, EXCHANGE … AND t, UPDATE t
    )
)
_LIST = frozenset(("FROM", "JOIN", "TABLE", "TABLES", "VIEW"))
_CLAUSE = frozenset(
    (
        *("SELECT", "WHERE", "PREWHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "SETTINGS"),
        *("UNION", "INTERSECT", "EXCEPT", "QUALIFY", "WINDOW", "SET"),
    )
)
# Verbs that remove or change rows after ALTER TABLE.
_CHANGING = frozenset(
    (
        *("DELETE", "UPDATE", "DROP", "REPLACE", "MOVE"),
        *("ATTACH", "DETACH", "FETCH", "FREEZE", "CLEAR"),
    )
)
_OPEN, _CLOSE = ("(", "[", "{"), (")", "]", "}")


def named_tables(tokens: Sequence[Token], database: str, parameters: Mapping[str, str]) -> list[str]:
    """Return the names without their database, sorted.

    A statement about the database itself has its name. `database` is the current one, `parameters` the values
    of `{name:Identifier}`. The result may contain too many names but never too few: any name counts in a
    place where a table may be.
    """
    found = set(_qualified(tokens, parameters))
    if database == DATABASE:
        found.update(_bare(tokens, parameters))
    return sorted(found)


def verb(tokens: Sequence[Token]) -> str:
    """Return the verb of the statement: its first word, and of an ALTER also the change."""
    words = [token.text.upper() for token in tokens]
    first = {"WITH": "SELECT", "(": "SELECT"}.get(words[0], words[0])
    if first == "ALTER":
        change = next((word for word in words[2:] if word in _CHANGING), "")
        return f"ALTER {change}".strip()
    return first


def _qualified(tokens: Sequence[Token], parameters: Mapping[str, str]) -> Iterator[str]:
    for at, token in enumerate(tokens):
        if token.name.startswith(f"{DATABASE}."):
            yield token.name.removeprefix(f"{DATABASE}.")
        if token.text == "." and at and _name(tokens, at - 1, parameters) == DATABASE:
            yield _name(tokens, at + 1, parameters)
        if token.text == "DATABASE" and DATABASE in (one.name for one in tokens[at + 1 :]):
            yield DATABASE


def _bare(tokens: Sequence[Token], parameters: Mapping[str, str]) -> Iterator[str]:
    listing = [False]
    for at, token in enumerate(tokens):
        before = tokens[at - 1].text if at else ""
        name = _name(tokens, at, parameters)
        behind = tokens[at + 1].text if at + 1 < len(tokens) else ""
        if name and behind != "." and (before in _BEFORE or (before == "," and listing[-1])):
            yield name.removeprefix(f"{DATABASE}.")  # the engine writes a view with parameters as one name
        if token.text in _OPEN:
            listing.append(False)
        elif token.text in _CLOSE and len(listing) > 1:
            listing.pop()
        elif token.text in _LIST:
            listing[-1] = True
        elif token.text in _CLAUSE:
            listing[-1] = False


def _name(tokens: Sequence[Token], at: int, parameters: Mapping[str, str]) -> str:
    """Return the name at an index; of `{name:Identifier}` its value, at its first or last token."""
    if not 0 <= at < len(tokens):
        return ""
    if tokens[at].text == "}":
        at -= 4
    if at >= 0 and tokens[at].text == "{" and at + 4 < len(tokens) and tokens[at + 2].text == ":":
        return parameters.get(tokens[at + 1].name, "")
    return tokens[at].name
