from exporter.collectors.syscalls import syscall_families
from exporter.services.syscalls import CallingStatus, Calls
from tests.contract.exposition import golden
from tests.exporter.collectors.test_traffic import exposed


def test_calls_errors_and_the_reason_for_none() -> None:
    seen = exposed(syscall_families({"shop": {"read": Calls(50.0, 2.0)}}, CallingStatus(0.02, 3, "permission")))

    assert seen == {
        "larimar_service_syscalls_total service_name=shop syscall=read": 50,
        "larimar_service_syscall_errors_total service_name=shop syscall=read": 2,
        "larimar_syscalls_sampling_ratio": 0.02,
        "larimar_syscalls_lost_total": 3,
        "larimar_syscalls_off reason=permission": 1,
    }


def test_every_family_is_promised_with_its_labels() -> None:
    promised = golden()
    for family in syscall_families({"shop": {"read": Calls()}}, CallingStatus(0.0, 0, "kernel")):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert promised[name].kind == family.type
        assert {frozenset(sample.labels) for sample in family.samples} == {promised[name].labels}
