"""Which addresses we may connect to when somebody else names the host.

A name is resolved once, every answer is judged, and the caller connects to the
judged address: an answer that changes afterwards changes nothing.
"""

import socket
import threading
from collections.abc import Callable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import NamedTuple

from django.conf import settings

Address = IPv4Address | IPv6Address
# Returns the addresses of a host, as text.
Resolver = Callable[[str, int], list[str]]

# Nothing outside is for everybody in IPv6.
GLOBAL_UNICAST = IPv6Network("2000::/3")
# What `is_global` lets through on some Python or other.
NEVER = [
    IPv4Network("0.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("168.63.129.16/32"),  # the host of a virtual machine, in one cloud
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("224.0.0.0/3"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
]
# Networks whose addresses end in the IPv4 address that is meant.
TRANSLATED = [
    IPv6Network("::/96"),  # compatible
    IPv6Network("::ffff:0:0/96"),  # mapped
    IPv6Network("::ffff:0:0:0/96"),  # translated
    IPv6Network("64:ff9b::/96"),  # NAT64
]
ISATAP = 0x5EFE


class AddressRefused(Exception):
    """The host leads to no address that we may connect to."""


class Target(NamedTuple):
    """An address that was judged; connect to it and not to the name."""

    address: str
    # In a network the operator opened: plain http is good enough there.
    is_exempt: bool


def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def targets_of(
    host: str, port: int, *, timeout: float, resolver: Resolver = resolve
) -> list[Target]:
    """Resolve a host once and judge every answer. Raises AddressRefused, TimeoutError.

    One bad answer refuses all: an honest name has no private address beside a
    public one.
    """
    answers = _within(timeout, lambda: resolver(host, port))
    exempt = [ip_network(network) for network in settings.OUTBOUND_ALLOWED_NETWORKS]
    targets = [judge(answer, exempt) for answer in answers]
    if not targets or None in targets:
        # The same words for an unknown name and an internal one: whoever may name
        # hosts must not learn which exist inside.
        raise AddressRefused("The host has no public address.")
    return targets


def judge(
    text: str, exempt: list[IPv4Network | IPv6Network] | None = None
) -> Target | None:
    """Return the address as a target, or None when it must not be reached."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if getattr(address, "scope_id", None):
        return None
    meant = meant_by(address)
    is_exempt = all(
        any(one.version == net.version and one in net for net in exempt or ())
        for one in meant
    )
    if is_exempt or all(is_public(one) for one in meant):
        return Target(str(address), is_exempt)
    return None


def is_public(address: Address) -> bool:
    """Say whether everybody on the Internet could reach an address."""
    if any(address.version == net.version and address in net for net in NEVER):
        return False
    if address.version == 6 and address not in GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast


def meant_by(address: Address) -> list[Address]:
    """Return the addresses a packet to this one may end up at."""
    if address.version == 4:
        return [address]
    if any(address in net for net in TRANSLATED):
        return [_last_four(int(address))]
    meant: list[Address] = [address]
    if address.sixtofour:
        meant.append(address.sixtofour)
    if address.teredo:
        meant += address.teredo
    # The group bit of an ISATAP interface id may be set or not.
    if (int(address) >> 32) & 0xFDFF_FFFF == ISATAP:
        meant.append(_last_four(int(address)))
    return meant


def _last_four(number: int) -> IPv4Address:
    return IPv4Address(number & 0xFFFF_FFFF)


def _within(seconds: float, work: Callable[[], list[str]]) -> list[str]:
    """Wait this long for a resolver, which knows no time limit of its own."""
    found: list[list[str]] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError
    return found[0] if found else []
