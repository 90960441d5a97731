import hashlib
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.engine.accounts import Account, Accounts, AccountsError, KnownNames, read
from platestream.engine.users import Users
from platestream.runtime.token_file import TERMINAL, Tokens

KNOWN = KnownNames(frozenset({"reads", "writes"}), frozenset({"default", "person"}))
ANYWHERE = "<networks><ip>::/0</ip></networks>"


def accounts(folder: Path, *bodies: str, **environment: str) -> Accounts:
    files = []
    for number, body in enumerate(bodies):
        files.append(folder / f"{number}.xml")
        files[-1].write_text(f"<clickhouse><users>{body}</users></clickhouse>")
    return read(files, KNOWN, environment)


def hashed(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


@pytest.mark.parametrize(
    "secret",
    [
        "<password>word</password>",
        f"<password_sha256_hex>{hashed('word').upper()}</password_sha256_hex>",
        "<password_double_sha1_hex>"
        f"{hashlib.sha1(hashlib.sha1(b'word').digest()).hexdigest()}</password_double_sha1_hex>",
        '<password_sha256_hex from_env="WORD"/>',
    ],
)
def test_passwords_are_kept_as_a_server_keeps_them(tmp_path: Path, secret: str) -> None:
    known = accounts(tmp_path, f"<smith>{secret}{ANYWHERE}</smith>", WORD=hashed("word"))
    assert known.sign_in("smith", "word", "127.0.0.1") is not None
    assert known.sign_in("smith", "Word", "127.0.0.1") is None
    assert known.sign_in("Smith", "word", "127.0.0.1") is None


@given(st.text(max_size=20))
def test_only_the_password_is_the_password(tried: str) -> None:
    networks = (IPv6Network("::/0"),)
    one = Account("a", (), "default", networks, "password_sha256_hex", (hashed("right"),))
    assert one.accepts(tried, "127.0.0.1") == (tried == "right")


def test_an_account_without_its_environment_cannot_sign_in(tmp_path: Path) -> None:
    known = accounts(tmp_path, f'<smith><password_sha256_hex from_env="NONE"/>{ANYWHERE}</smith>')
    assert known.missing_password == ("smith",)
    assert known.sign_in("smith", "", "127.0.0.1") is None


@pytest.mark.parametrize(
    ("network", "address", "signs_in"),
    [
        ("::/0", "127.0.0.1", True),
        ("::1", "::1", True),
        ("::1", "127.0.0.1", False),
        ("10.0.0.0/8", "10.9.8.7", True),
        ("10.0.0.0/8", "11.0.0.1", False),
    ],
)
def test_an_account_signs_in_from_its_networks(
    tmp_path: Path, network: str, address: str, signs_in: bool
) -> None:
    body = f"<smith><password>x</password><networks><ip>{network}</ip></networks></smith>"
    assert (accounts(tmp_path, body).sign_in("smith", "x", address) is not None) == signs_in


def test_an_account_without_networks_signs_in_from_nowhere(tmp_path: Path) -> None:
    body = "<smith><password>x</password><networks/></smith>"
    assert accounts(tmp_path, body).sign_in("smith", "x", "127.0.0.1") is None


def test_roles_are_those_granted_and_other_grants_give_nothing(tmp_path: Path) -> None:
    grants = (
        "<grants><query>GRANT reads, writes WITH ADMIN OPTION</query>"
        "<query>GRANT CREATE USER, SHOW ROLES ON *.*</query><query>GRANT SELECT ON a.b</query></grants>"
    )
    known = accounts(tmp_path, f"<smith><password>x</password>{grants}</smith>")
    assert known.by_name["smith"].roles == ("reads", "writes")


def test_a_later_file_replaces_and_removes(tmp_path: Path) -> None:
    one = "<a><password>1</password></a><b><password>1</password></b>"
    known = accounts(tmp_path, one, '<a remove="remove"/><b><password>2</password></b>')
    assert set(known.by_name) == {"b"}
    assert known.by_name["b"].secrets == ("2",)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<smith><no_password/></smith>", "exactly one of"),
        (
            "<smith><password>x</password><password_sha256_hex>y</password_sha256_hex></smith>",
            "exactly one of",
        ),
        ("<default><password>x</password></default>", "cannot sign in"),
        ("<smith><password>x</password><profile>none</profile></smith>", "no profile none"),
        ("<smith><password>x</password><networks><ip>here</ip></networks></smith>", "is not a network"),
        (
            "<smith><password>x</password><grants><query>GRANT all_of_it</query></grants></smith>",
            "no role all_of_it",
        ),
        ("<smith>", "mismatched tag"),
    ],
)
def test_what_cannot_be_kept_is_named(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(AccountsError, match=said):
        accounts(tmp_path, body)


def test_an_account_without_a_password_signs_in_by_tokens_alone(tmp_path: Path) -> None:
    files = [tmp_path / "people.xml"]
    body = f"<smith><sign_in_token/>{ANYWHERE}</smith><jones><password>word</password>{ANYWHERE}</jones>"
    files[0].write_text(f"<clickhouse><users>{body}</users></clickhouse>")
    tokens = Tokens(tmp_path / "tokens.json")
    users = Users(files, KNOWN, tmp_path / "tokens.json")
    later = datetime.now(UTC) + timedelta(hours=8)
    made, text = tokens.make("smith", "command line on desk-7", [TERMINAL], later)
    _program, program = tokens.make("smith", "CAD", ["hits"], later)
    _ended, ended = tokens.make("smith", "command line on x", [TERMINAL], datetime.now(UTC))
    known = users()
    assert known.sign_in("smith", text, "127.0.0.1") is not None
    for who, word in (("jones", text), ("smith", program), ("smith", ended), ("smith", ""), ("nobody", text)):
        assert known.sign_in(who, word, "127.0.0.1") is None, word
    assert known.sign_in("smith", f"{text}x", "127.0.0.1") is None
    assert known.sign_in("jones", "word", "127.0.0.1") is not None
    tokens.end(made.id)
    assert known.sign_in("smith", text, "127.0.0.1") is None
    (tmp_path / "tokens.json").write_text("[]")
    assert known.sign_in("smith", text, "127.0.0.1") is None


def test_a_password_is_replaced_while_both_are_valid_and_the_old_one_is_known_as_such(tmp_path: Path) -> None:
    file = tmp_path / "jobs.xml"

    def put(*words: str) -> None:
        each = "".join(f"<password_sha256_hex>{hashed(one)}</password_sha256_hex>" for one in words)
        file.write_text(f"<clickhouse><users><flows>{each}{ANYWHERE}</flows></users></clickhouse>")

    put("old")
    users = Users([file], KNOWN)
    put("old", "new")
    assert all(users().sign_in("flows", one, "127.0.0.1") for one in ("old", "new"))
    put("new")
    known = users()
    assert known.sign_in("flows", "new", "127.0.0.1") is not None
    assert known.sign_in("flows", "old", "127.0.0.1") is None
    said = [known.was_password("flows", one, "127.0.0.1") for one in ("old", "new", "guess")]
    assert said == [True, False, False]
    put("old")
    assert not users().was_password("flows", "old", "127.0.0.1"), "it is the password again"


def test_a_token_counts_from_the_networks_of_its_account(tmp_path: Path) -> None:
    files = [tmp_path / "people.xml"]
    body = "<smith><sign_in_token/><networks><ip>10.0.0.0/8</ip></networks></smith>"
    files[0].write_text(f"<clickhouse><users>{body}</users></clickhouse>")
    tokens = Tokens(tmp_path / "tokens.json")
    _made, text = tokens.make("smith", "x", [TERMINAL], datetime.now(UTC) + timedelta(hours=8))
    known = Users(files, KNOWN, tmp_path / "tokens.json")()
    assert known.sign_in("smith", text, "10.1.2.3") is not None
    assert known.sign_in("smith", text, "127.0.0.1") is None


def test_a_secret_is_not_in_what_is_printed(tmp_path: Path) -> None:
    known = accounts(tmp_path, "<smith><password>hidden</password></smith>")
    assert "hidden" not in repr(known)
