"""Rights of Platestream's accounts on a broker: set as declared, and checked.

ACLs of other principals are not changed, nor denials for our own, because removing a denial would grant
rights.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from platestream.edges.kafka_client import metadata, open_admin, result
from platestream.edges.kafka_read import GROUP
from platestream.schemas.rights import ACCOUNTS, PREFIX, Rights
from platestream.schemas.topics import TOPICS

EVERYBODY = "User:*"
TRANSACTION_LOG = "__transaction_state"
"""Topic that the broker makes at the first transaction. Without a right an account does not see it."""
CONFIRM_SECONDS = 15.0
"""Longest wait until a change is visible, seconds."""
_LITERAL = ResourcePatternType.LITERAL
_NOTHING = AclBinding(
    ResourceType.TOPIC, PREFIX, _LITERAL, f"User:{PREFIX}", "*", AclOperation.ALL, AclPermissionType.DENY
)


def principal(account: str) -> str:
    """Return the broker's name for an account."""
    return f"User:{PREFIX}{account}"


def declared_acls(accounts: Mapping[str, Rights] = ACCOUNTS) -> list[AclBinding]:
    """Return the ACLs that give each account its rights and nothing else."""
    return [
        AclBinding(kind, name, _LITERAL, principal(account), "*", operation, AclPermissionType.ALLOW)
        for account, rights in accounts.items()
        for kind, name, operation in _operations(rights)
    ] + [
        AclBinding(
            ResourceType.TRANSACTIONAL_ID,
            transactions(account),
            ResourcePatternType.PREFIXED,
            principal(account),
            "*",
            AclOperation.WRITE,
            AclPermissionType.ALLOW,
        )
        for account, rights in accounts.items()
        if rights.claims
    ]


def transactions(flow: str) -> str:
    """Return the prefix of the names of a flow's transactions."""
    return f"{PREFIX}{flow} "


def _operations(rights: Rights) -> Iterator[tuple[ResourceType, str, AclOperation]]:
    """Yield the operations of some rights.

    Read and Write imply Describe; topics are never created automatically.
    """
    yield from ((ResourceType.TOPIC, topic.name, AclOperation.READ) for topic in rights.reads)
    yield from ((ResourceType.TOPIC, topic.name, AclOperation.WRITE) for topic in rights.writes)
    if rights.reads:  # librdkafka looks up the coordinator of a group that it never joins, or fails
        yield ResourceType.GROUP, GROUP, AclOperation.DESCRIBE
    if rights.claims or rights.compares:
        yield ResourceType.TOPIC, TRANSACTION_LOG, AclOperation.DESCRIBE
    on_all = [AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS] if rights.compares else []
    on_all += [AclOperation.CREATE, AclOperation.ALTER_CONFIGS] if rights.makes else []
    yield from ((ResourceType.TOPIC, topic.name, operation) for topic in TOPICS for operation in on_all)


def set_rights(config: Mapping[str, Any], accounts: Mapping[str, Rights] = ACCOUNTS) -> list[str]:
    """Add the declared ACLs and remove the others. Returns one line for each change. Raises BrokerError."""
    admin, there = _open_and_read(config)
    missing, surplus = _differences(there, accounts)
    # New ACLs first, so that a right that is declared in another form is never missing in between.
    _wait_for(admin.create_acls(missing) if missing else {})
    _wait_for(admin.delete_acls(list(map(exact_filter, surplus))) if surplus else {})
    _wait_until_visible(admin, missing, surplus)
    return [f"{_describe(one)}: given" for one in missing] + [
        f"{_describe(one)}: taken away" for one in surplus
    ]


def _wait_until_visible(admin: AdminClient, given: Sequence[AclBinding], taken: Sequence[AclBinding]) -> None:
    """Wait until the broker reports the change itself.

    It acknowledges a change when its controller has it, and may still report the old state for a moment. If
    the change is not visible in time, `faults` reports it.
    """
    end = time.monotonic() + CONFIRM_SECONDS
    while (given or taken) and time.monotonic() < end:
        there = read_acls(admin)
        if all(one in there for one in given) and not any(one in there for one in taken):
            return
        time.sleep(0.1)


def faults(config: Mapping[str, Any], accounts: Mapping[str, Rights] = ACCOUNTS) -> Iterator[str]:
    """Yield a sentence for each difference between the broker and the declaration. Raises BrokerError."""
    _admin, there = _open_and_read(config)
    missing, surplus = _differences(there, accounts)
    yield from (f"{_describe(one)}: declared, and not given" for one in missing)
    yield from (f"{_describe(one)}: given, and not declared" for one in surplus)
    ours = set(map(principal, accounts))
    for one in there:
        if one.principal in ours and one.permission_type == AclPermissionType.DENY:
            yield f"{_describe(one)}: denied by another ACL, which is not changed"
        elif one.principal == EVERYBODY and one.permission_type == AclPermissionType.ALLOW and _covers(one):
            yield f"{_describe(one)}: every account has this right; remove it with Kafka's own tools"


def _open_and_read(config: Mapping[str, Any]) -> tuple[AdminClient, list[AclBinding]]:
    """Return a client and all ACLs.

    librdkafka 2.16 returns an empty result if the question is refused, so an empty removal is requested
    first: its refusal raises an error.
    """
    metadata(config)
    admin = open_admin(config)
    _wait_for(admin.delete_acls([exact_filter(_NOTHING)]))
    return admin, read_acls(admin)


def read_acls(admin: AdminClient) -> list[AclBinding]:
    """Return all ACLs of the broker; none if this account may not see them."""
    whose: Any = None
    kinds = (ResourceType.ANY, whose, ResourcePatternType.ANY, whose, whose)
    everything = AclBindingFilter(*kinds, AclOperation.ANY, AclPermissionType.ANY)
    return list(result("rights on the broker", admin.describe_acls(everything)))


def _differences(
    there: Sequence[AclBinding], accounts: Mapping[str, Rights]
) -> tuple[list[AclBinding], list[AclBinding]]:
    wanted, ours = declared_acls(accounts), set(map(principal, accounts))
    surplus = (one for one in there if one.principal in ours and one not in wanted)
    allowing = [one for one in surplus if one.permission_type == AclPermissionType.ALLOW]
    return [one for one in wanted if one not in there], allowing


def _covers(one: AclBinding) -> bool:
    if one.restype != ResourceType.TOPIC:
        return False
    prefixed = one.resource_pattern_type == ResourcePatternType.PREFIXED
    return any(
        one.name in ("*", topic.name) or (prefixed and topic.name.startswith(one.name)) for topic in TOPICS
    )


def exact_filter(one: AclBinding) -> AclBindingFilter:
    """Return the filter that matches only this ACL."""
    return AclBindingFilter(
        one.restype,
        one.name,
        one.resource_pattern_type,
        one.principal,
        one.host,
        one.operation,
        one.permission_type,
    )


def _wait_for(futures: Mapping[Any, Any]) -> None:
    for future in futures.values():
        result("rights on the broker", future)


def _describe(one: AclBinding) -> str:
    operation, kind = AclOperation(one.operation).name.lower(), ResourceType(one.restype).name.lower()
    return f"{one.principal.removeprefix('User:')} {operation} {kind} {one.name}"
