"""Which addresses are refused when somebody else names the host."""

import pytest

from accounts.outbound import addresses
from accounts.outbound.addresses import AddressRefused, judge, targets_of

REFUSED = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.1.2.3
168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.192
192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1
239.1.1.1 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::808:808
2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe:: 2001:0:808:808::80ff:fffe
2001:0:7f00:1:0:0:f7f7:f7f7 2001:db8::1 2001:10::1 3fff::1 100::1 5f00::1
fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1 4000::1
2606:4700::5efe:a00:1 2606:4700::200:5efe:7f00:1
nonsense 2130706433 0x7f.1 127.1
""".split()
REACHED = """
8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 193.0.0.1 2606:4700::1111 2a00:1450::1
::ffff:808:808 64:ff9b::808:808 2002:808:808::1
""".split()


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_inside_is_refused(address):
    assert judge(address) is None


@pytest.mark.parametrize("address", REACHED)
def test_a_public_address_is_reached(address):
    assert judge(address).address == address
    assert not judge(address).is_exempt


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_whatever_the_resolver_makes_of_a_spelling_is_judged(spelling):
    with pytest.raises(AddressRefused):
        targets_of(spelling, 80, timeout=10)


def test_one_private_answer_refuses_the_host():
    with pytest.raises(AddressRefused):
        targets_of(
            "x", 80, timeout=1, resolver=lambda host, port: ["8.8.8.8", "10.0.0.1"]
        )


def test_an_unknown_name_and_an_internal_one_are_refused_alike():
    said = set()
    for answers in ([], ["10.0.0.1"]):
        with pytest.raises(AddressRefused) as refused:
            targets_of("x", 80, timeout=1, resolver=lambda *_, found=answers: found)
        said.add(str(refused.value))
    assert len(said) == 1


def test_only_a_network_the_operator_opened_is_exempt(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["10.1.0.0/16", "fd00::/8"]

    def ask(answer):
        return targets_of("x", 80, timeout=1, resolver=lambda *_: [answer])[0]

    for inside in ("10.1.2.3", "fd12::1", "::ffff:10.1.2.3"):
        assert ask(inside).is_exempt
    assert not ask("8.8.8.8").is_exempt
    for outside in ("10.2.0.1", "127.0.0.1", "2002:a02:1::"):
        with pytest.raises(AddressRefused):
            ask(outside)


def test_a_resolver_that_hangs_costs_only_the_time_given():
    from threading import Event

    released = Event()
    try:
        with pytest.raises(TimeoutError):
            targets_of(
                "x", 80, timeout=0.05, resolver=lambda *_: released.wait(30) or []
            )
    finally:
        released.set()


def test_a_resolver_is_asked_by_name_and_gives_addresses():
    assert "127.0.0.1" in addresses.resolve("localhost", 80)
    assert addresses.resolve("no-such-host.invalid", 80) == []
    assert addresses.resolve("a" * 70 + ".example", 80) == []
