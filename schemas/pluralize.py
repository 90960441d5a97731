"""Numbers with a noun in the right grammatical form."""


def pluralize(number: int, thing: str, things: str = "") -> str:
    """Return `number` and `thing` as text: `1 hold`, `2 holds`, `2 entries`.

    A final y behind a consonant becomes ies, a final s or x gets es. `things` is any other plural.

    >>> pluralize(1, "entry"), pluralize(2, "entry"), pluralize(2, "day"), pluralize(0, "witness")
    ('1 entry', '2 entries', '2 days', '0 witnesses')
    """
    if number == 1 or things:
        return f"{number} {thing if number == 1 else things}"
    if thing.endswith("y") and thing[-2] not in "aeiou":
        return f"{number} {thing[:-1]}ies"
    return f"{number} {thing}{'es' if thing.endswith(('s', 'x')) else 's'}"
