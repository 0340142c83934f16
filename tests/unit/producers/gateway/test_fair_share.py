"""What there is only so much of is shared out, by key or by address."""

import pytest

from producers.gateway.client_address import network_of
from producers.gateway.fair_share import Share
from producers.gateway.problems import ProblemError


def refused(share: Share, whose: str, number: int = 1) -> int:
    """With which status it is refused."""
    with pytest.raises(ProblemError) as refused:
        share.take(whose, number)
    assert "retry-after" in refused.value.headers
    return refused.value.status


def test_one_with_all_of_its_share_is_told_so_and_others_still_have_theirs() -> None:
    """429 is for who has too much; what is given back can be taken again."""
    share = Share("requests", 3, 2)
    share.take("a", 2)
    assert refused(share, "a") == 429
    share.take("b", 1)
    assert refused(share, "c") == 503
    share.give_back("a", 2)
    with share.one("c"):
        assert refused(share, "b", 2) == 429
    share.take("a", 2)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_a_network_of_ipv6_counts_as_one(address: str, network: str) -> None:
    """Else one machine would have as many shares as it likes."""
    assert network_of(address) == network
