"""The rights of Platestream's accounts on a broker: set as declared, and read back.

Of other principals nothing is changed, and of ours nothing that denies: taking that away would give rights.
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

from connectors.kafka_client import administrator, metadata, result
from connectors.kafka_read import GROUP
from schemas.rights import ACCOUNTS, PREFIX, Rights
from schemas.topics import TOPICS

EVERYBODY = "User:*"
SEEN_S = 15.0
"""Longest wait for a change to be seen, seconds."""
_LITERAL = ResourcePatternType.LITERAL
_NOTHING = AclBinding(
    ResourceType.TOPIC, PREFIX, _LITERAL, f"User:{PREFIX}", "*", AclOperation.ALL, AclPermissionType.DENY
)


def principal(account: str) -> str:
    """What the broker calls an account."""
    return f"User:{PREFIX}{account}"


def declared(accounts: Mapping[str, Rights] = ACCOUNTS) -> list[AclBinding]:
    """The ACLs that give each account its rights and nothing else."""
    return [
        AclBinding(kind, name, _LITERAL, principal(account), "*", operation, AclPermissionType.ALLOW)
        for account, rights in accounts.items()
        for kind, name, operation in _operations(rights)
    ]


def _operations(rights: Rights) -> Iterator[tuple[ResourceType, str, AclOperation]]:
    """Read and Write imply Describe; a topic of the broker's own choice is never made."""
    yield from ((ResourceType.TOPIC, topic.name, AclOperation.READ) for topic in rights.reads)
    yield from ((ResourceType.TOPIC, topic.name, AclOperation.WRITE) for topic in rights.writes)
    if rights.reads:  # librdkafka looks for the coordinator of a group that it never joins, and fails without
        yield ResourceType.GROUP, GROUP, AclOperation.DESCRIBE
    on_all = [AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS] if rights.compares else []
    on_all += [AclOperation.CREATE, AclOperation.ALTER_CONFIGS] if rights.makes else []
    yield from ((ResourceType.TOPIC, topic.name, operation) for topic in TOPICS for operation in on_all)


def set_rights(config: Mapping[str, Any], accounts: Mapping[str, Rights] = ACCOUNTS) -> list[str]:
    """Give what is declared and take away what is not; one line for each change. Raises BrokerError."""
    admin, there = _there(config)
    missing, surplus = _differences(there, accounts)
    # First what is given: a right that is written in another way now is never gone in between.
    _done(admin.create_acls(missing) if missing else {})
    _done(admin.delete_acls(list(map(only, surplus))) if surplus else {})
    _seen(admin, missing, surplus)
    return [f"{_said(one)}: given" for one in missing] + [f"{_said(one)}: taken away" for one in surplus]


def _seen(admin: AdminClient, given: Sequence[AclBinding], taken: Sequence[AclBinding]) -> None:
    """Waits until the broker tells of the change itself: it answers when its controller has it, and whoever
    asks in the moment after is told of before. What is not there in time `faults` tell.
    """
    end = time.monotonic() + SEEN_S
    while (given or taken) and time.monotonic() < end:
        there = found(admin)
        if all(one in there for one in given) and not any(one in there for one in taken):
            return
        time.sleep(0.1)


def faults(config: Mapping[str, Any], accounts: Mapping[str, Rights] = ACCOUNTS) -> Iterator[str]:
    """What the broker has otherwise than declared, a sentence each. Raises BrokerError."""
    _admin, there = _there(config)
    missing, surplus = _differences(there, accounts)
    yield from (f"{_said(one)}: declared, and not given" for one in missing)
    yield from (f"{_said(one)}: given, and not declared" for one in surplus)
    ours = set(map(principal, accounts))
    for one in there:
        if one.principal in ours and one.permission_type == AclPermissionType.DENY:
            yield f"{_said(one)}: denied by somebody, and left so"
        elif one.principal == EVERYBODY and one.permission_type == AclPermissionType.ALLOW and _covers(one):
            yield f"{_said(one)}: everybody who signs in has this right; take it away by Kafka's own tools"


def _there(config: Mapping[str, Any]) -> tuple[AdminClient, list[AclBinding]]:
    """All ACLs, and who asked. Of a refused question librdkafka 2.16 makes an empty answer, so a removal of
    nothing is asked for first: that is refused aloud.
    """
    metadata(config)
    admin = administrator(config)
    _done(admin.delete_acls([only(_NOTHING)]))
    return admin, found(admin)


def found(admin: AdminClient) -> list[AclBinding]:
    """All ACLs of the broker; none where this account may not see them."""
    whose: Any = None
    kinds = (ResourceType.ANY, whose, ResourcePatternType.ANY, whose, whose)
    everything = AclBindingFilter(*kinds, AclOperation.ANY, AclPermissionType.ANY)
    return list(result("rights on the broker", admin.describe_acls(everything)))


def _differences(
    there: Sequence[AclBinding], accounts: Mapping[str, Rights]
) -> tuple[list[AclBinding], list[AclBinding]]:
    wanted, ours = declared(accounts), set(map(principal, accounts))
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


def only(one: AclBinding) -> AclBindingFilter:
    """The filter that this ACL alone passes."""
    return AclBindingFilter(
        one.restype,
        one.name,
        one.resource_pattern_type,
        one.principal,
        one.host,
        one.operation,
        one.permission_type,
    )


def _done(futures: Mapping[Any, Any]) -> None:
    for future in futures.values():
        result("rights on the broker", future)


def _said(one: AclBinding) -> str:
    operation, kind = AclOperation(one.operation).name.lower(), ResourceType(one.restype).name.lower()
    return f"{one.principal.removeprefix('User:')} {operation} {kind} {one.name}"
