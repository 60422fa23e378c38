from itertools import takewhile

import pytest

from core.domain.errors import InvalidInput
from core.domain.notifications import PAUSES, TEST, Event, check_address, check_url, find_pause, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # metadata of clouds
        "100.64.0.1",  # shared by a provider's customers
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "192.88.99.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "2001:db8::1",
    ],
)
def test_an_address_that_is_not_on_the_internet_is_never_called(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])
def test_an_address_on_the_internet_may_be_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://host.example/",
        "ftp://host.example/",
        "https://",
        "https://localhost/",
        "https://intern/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://user:word@host.example/",
        "https://user@host.example/",
        "https://host.example/#part",
        "https://host.example:0/",
        "https://host.example:99999/",
        "https://host.example/a b",
        "https://host.example\\@intern/",
        "https://host.example/\r\nX: y",
        "https://[half/",
        "https://hóst.example/",
        "https://host.example/" + "a" * 500,
    ],
)
def test_a_webhook_address_that_is_not_plain_https_to_the_internet_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_url(url, loopback=False)


def test_http_goes_to_this_machine_alone_and_only_where_that_is_allowed() -> None:
    assert check_url("http://127.0.0.1:8080/hook", loopback=True).port == 8080
    for url, loopback in (("http://127.0.0.1/", False), ("http://10.0.0.1/", True), ("http://host.example/", True)):
        with pytest.raises(InvalidInput):
            check_url(url, loopback=loopback)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "ann@host",
        "a b@host.example",
        "ann@host.example\nBcc: x@y.example",
        "<ann@host.example>",
        "é@h.example",
    ],
)
def test_what_is_not_a_plain_mail_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput):
        check_address(address)


def test_a_plain_mail_address_is_taken() -> None:
    check_address("ann.b+lacuna@mail.host.example")


def test_pauses_grow_and_end() -> None:
    pauses = [find_pause(attempts, Event.TEAM_INVITED) for attempts in range(1, 20)]
    taken = [pause for pause in takewhile(lambda pause: pause is not None, pauses) if pause is not None]
    assert taken == sorted(PAUSES)
    assert not any(pauses[len(PAUSES) :])


def test_a_test_message_is_tried_once() -> None:
    assert find_pause(1, TEST) is None
