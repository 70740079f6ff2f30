from exporter.identity.instances import MAX_PORTS_PER_NAME, Instance, Instances


def redis(pid: int, port: int, start: int | None = None) -> Instance:
    return Instance(pid, start if start is not None else pid, "redis", port, port == 6379)


def test_a_lone_server_has_the_plain_name_on_any_port() -> None:
    assert Instances().names([redis(1, 40123)]) == {1: "redis"}


def test_a_second_one_beside_it_is_told_by_its_port() -> None:
    instances = Instances()
    instances.names([redis(1, 6380)])

    assert instances.names([redis(1, 6380), redis(2, 6379)]) == {1: "redis", 2: "redis:6379"}


def test_seen_together_the_default_port_has_the_plain_name() -> None:
    assert Instances().names([redis(1, 6380), redis(2, 6379)]) == {1: "redis:6380", 2: "redis"}


def test_names_outlive_restarts_in_any_order() -> None:
    instances = Instances()
    instances.names([redis(1, 6379), redis(2, 6380)])

    assert instances.names([redis(2, 6380)]) == {2: "redis:6380"}
    assert instances.names([redis(2, 6380), redis(3, 6379)]) == {2: "redis:6380", 3: "redis"}
    assert instances.names([redis(3, 6379)]) == {3: "redis"}
    assert instances.names([redis(4, 6380), redis(3, 6379)]) == {3: "redis", 4: "redis:6380"}


def test_a_lone_server_that_comes_back_on_another_port_keeps_its_name() -> None:
    instances = Instances()
    instances.names([redis(1, 40123)])

    assert instances.names([redis(2, 40999)]) == {2: "redis"}


def test_one_that_does_not_listen_yet_has_the_plain_name_for_the_time() -> None:
    instances = Instances()
    instances.names([redis(1, 6379)])

    assert instances.names([redis(1, 6379), redis(2, 0)]) == {1: "redis", 2: "redis"}
    assert instances.names([redis(1, 6379), redis(2, 6380)]) == {1: "redis", 2: "redis:6380"}


def test_what_is_remembered_is_bounded() -> None:
    instances = Instances()
    for port in range(1000, 1000 + 3 * MAX_PORTS_PER_NAME):
        instances.names([redis(1, 6379), redis(port, port)])

    # The oldest were forgotten: such a port gets the name that a new one would get.
    assert instances.names([redis(9, 1000)]) == {9: "redis"}
