import pytest

from detector.shard import Shard

SERVICES = [f"service-{number}" for number in range(3_000)] + ["käse", "\udcff", ""]


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_every_service_is_in_one_part(parts: int) -> None:
    shards = [Shard(number, parts) for number in range(1, parts + 1)]
    for service in SERVICES:
        assert sum(shard.has(service) for shard in shards) == 1
    sizes = [sum(shard.has(service) for service in SERVICES) for shard in shards]
    assert min(sizes) > 0.8 * len(SERVICES) / parts


def test_a_part_is_read_as_it_is_written() -> None:
    assert Shard.parse("2/3") == Shard(2, 3)
    assert Shard.parse(str(Shard(7, 12))) == Shard(7, 12)


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "1/0", "-1/3", "1/3/4", "a/b", "1/99999", "1/1001", "1 / 3"])
def test_what_is_no_part_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=text or "''"):
        Shard.parse(text)
