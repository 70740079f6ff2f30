from exporter.services.datagrams import Datagrams, UdpUse

KNOWN = {"dns": None, "syslog": None}


def test_drops_count_from_the_first_reading_on_and_never_fall() -> None:
    datagrams = Datagrams()
    datagrams.update({1: 100, 2: 0}, {1: "dns", 2: "syslog"}, KNOWN)
    datagrams.update({1: 130, 2: 5, 3: 7}, {1: "dns", 2: "syslog", 3: "dns"}, KNOWN)
    assert datagrams.use() == {"dns": UdpUse(2, 37), "syslog": UdpUse(1, 5)}
    datagrams.update({2: 5}, {2: "syslog"}, KNOWN)

    assert datagrams.use() == {"dns": UdpUse(0, 37), "syslog": UdpUse(1, 5)}


def test_what_was_dropped_before_the_owner_was_known_is_its_own() -> None:
    datagrams = Datagrams()
    datagrams.update({}, {}, KNOWN)
    datagrams.update({1: 4}, {}, KNOWN)
    datagrams.update({1: 6}, {1: "dns"}, KNOWN)

    assert datagrams.use() == {"dns": UdpUse(1, 6)}


def test_a_service_that_is_gone_is_forgotten() -> None:
    datagrams = Datagrams()
    datagrams.update({1: 0}, {1: "dns"}, KNOWN)
    datagrams.update({1: 3}, {1: "dns"}, KNOWN)
    datagrams.update({}, {}, {})

    assert datagrams.use() == {}
