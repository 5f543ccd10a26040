"""Keep strangers from filling the audit log with their failures.

A failure at a door that anybody may knock at is recorded, but no more than so many an
hour from one network and in all; what is beyond that stands in the request log alone.
"""

from accounts.rate_limits import Limit, RateLimited, network_of, take

FROM_ONE_NETWORK = 20
ALTOGETHER = 1_000


def has_room(address: str) -> bool:
    """Count one failure, and say whether it may still be recorded."""
    try:
        take(
            Limit("refusals", FROM_ONE_NETWORK, 3600, network_of(address)),
            Limit("refusals-all", ALTOGETHER, 3600, "all"),
        )
    except RateLimited:
        return False
    return True
