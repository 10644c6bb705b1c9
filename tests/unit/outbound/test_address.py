import pytest

from idferry.outbound import NamedHost, RefusedAddress, named_host


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://legacy.example.com/check", NamedHost("https", "legacy.example.com", 443)),
        ("https://Legacy.Example.com:8443", NamedHost("https", "legacy.example.com", 8443)),
        ("http://localhost:8080/check", NamedHost("http", "localhost", 8080)),
        ("http://127.0.0.1/", NamedHost("http", "127.0.0.1", 80)),
        ("https://[::1]:9000/", NamedHost("https", "::1", 9000)),
        ("https://8.8.8.8/", NamedHost("https", "8.8.8.8", 443)),
        ("https://xn--mnchen-3ya.example/", NamedHost("https", "xn--mnchen-3ya.example", 443)),
    ],
)
def test_a_url_of_the_settings_names_a_host(url: str, host: NamedHost) -> None:
    assert named_host(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "http://legacy.example.com/",
        "ftp://legacy.example.com/",
        "https://",
        "legacy.example.com",
        "https://user:secret@legacy.example.com/",
        "https://legacy.example.com/#part",
        "https://münchen.example/",
        "https://legacy.example.com\\@other.example/",
        "https://legacy.example.com/a b",
        "https://legacy.example.com:0/",
        "https://legacy.example.com:99999/",
        "https://legacy.example.com./",
        "https://-legacy.example.com/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.5/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1]/",
        "https://0.0.0.0/",
        "https://[::]/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://127.0.0.2/",
    ],
)
def test_what_is_no_such_url_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(RefusedAddress) as refused:
        named_host(url)
    assert "secret" not in str(refused.value)


PUBLIC = ("8.8.8.8", "2606:4700::1111")
PRIVATE = ("10.0.0.5", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd12:3456::1")
NEVER = (
    "127.0.0.1", "127.8.8.8", "::1", "0.0.0.1", "::", "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0",
    "168.63.129.16", "100.100.100.200", "100.64.0.1", "fd00:ec2::254", "fd20:ce::254", "224.0.0.1", "ff02::1",
    "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::ffff:10.0.0.5", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:1::1", "::7f00:1", "2001:db8::1", "fec0::1", "no address", "",
)  # fmt: skip


@pytest.mark.parametrize("private", [False, True])
def test_which_addresses_a_name_may_stand_for(private: bool) -> None:
    host = NamedHost("https", "legacy.example.com", 443, private)
    assert [one for one in PUBLIC if not host.admits(one)] == []
    assert [one for one in PRIVATE if host.admits(one) is not private] == []
    assert [one for one in NEVER if host.admits(one)] == []


def test_this_machine_is_this_machine_only() -> None:
    host = named_host("http://localhost:8080")
    assert host.admits("127.0.0.1")
    assert host.admits("::1")
    assert [
        one for one in (*PUBLIC, *PRIVATE, "169.254.169.254", "::ffff:127.0.0.1") if host.admits(one)
    ] == []
