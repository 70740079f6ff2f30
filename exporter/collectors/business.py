"""What the application is for: state that was changed for good, and the money and quantities in it.

Databases count rows that were inserted, and statements that updated or deleted any; HTTP counts requests that were
answered with success, brokers what is published.
"""

from collections.abc import Iterator

from exporter.collectors.operations import MESSAGE_OPERATIONS
from exporter.model import Operation
from exporter.protocols import base
from exporter.services.counters import Side
from exporter.services.operations import OTHER
from exporter.services.traffic import SideKey, TrafficSnapshot
from toolkit.families import Family, counter

HTTP_CHANGES = frozenset(("POST", "PUT", "PATCH", "DELETE"))
SUCCEEDED = "2xx"
PUBLISHING = frozenset(("publish", "produce"))


def event_of(family: base.Family, operation: Operation) -> str:
    """Return what an operation is called as a business event: `orders.insert`, `POST /checkout`."""
    if operation.name == OTHER:
        return OTHER
    if family is base.Family.HTTP:
        return f"{operation.name} {operation.target}".rstrip()
    verb = operation.name.lower()
    return f"{operation.target}.{verb}" if operation.target else verb


def event_families(snapshot: TrafficSnapshot) -> Iterator[Family]:
    """Yield the events of every service."""
    family = counter(
        "larimar_business_events_total",
        "State-changing operations that succeeded: rows inserted, statements that updated or deleted rows, HTTP "
        "requests that change something answered 2xx, messages published. What a rollback undoes is none.",
        labels=("service_name", "role", "event"),
    )
    for key, side in snapshot.sides.items():
        for event, count in _events(key, side).items():
            family.add((key.service_name, key.role.value, event), count)
    yield family


def _events(key: SideKey, side: Side) -> dict[str, float]:
    events: dict[str, float] = {}
    if side.family is base.Family.HTTP:
        for operation, by_class in side.operations.counts.items():
            if operation.name in HTTP_CHANGES and by_class.get(SUCCEEDED):
                _count(events, event_of(side.family, operation), by_class[SUCCEEDED])
    elif side.family is base.Family.MESSAGING:
        for operation, by_class in side.operations.counts.items():
            name = MESSAGE_OPERATIONS.get((key.protocol, operation.name), "")
            if name in PUBLISHING:
                _count(events, event_of(side.family, Operation("publish", operation.target)), sum(by_class.values()))
    elif side.business is not None:
        for operation, changes in side.business.changes.items():
            _count(events, event_of(side.family, operation), changes.count)
    return events


def _count(events: dict[str, float], event: str, count: float) -> None:
    events[event] = events.get(event, 0.0) + count


def value_families(snapshot: TrafficSnapshot) -> Iterator[Family]:
    """Yield the sums of fields that mean money or a quantity."""
    labels = ("service_name", "role", "event", "field", "currency")
    total = counter(
        "larimar_business_value_total",
        "Sum of the numbers in fields of business events whose names mean money or a quantity.",
        labels=labels,
    )
    negative = counter(
        "larimar_business_negative_value_total",
        "Sum of the negative numbers in such fields, such as refunds, without their sign: to be subtracted.",
        labels=labels,
    )
    fields = counter(
        "larimar_business_values_total", "How many numbers were added up in the two sums of value.", labels=labels
    )
    unread = counter(
        "larimar_business_unread_values_total",
        "Fields that mean money or a quantity whose numbers could not be read and are missing from the sums.",
        labels=("service_name", "role", "event"),
    )
    for key, side in snapshot.sides.items():
        for operation, changes in side.business.changes.items() if side.business is not None else ():
            event = (key.service_name, key.role.value, event_of(side.family, operation))
            for each, found in changes.sums.items():
                values = (*event, each.field, each.currency)
                total.add(values, found.total)
                fields.add(values, found.count)
                if found.negative:
                    negative.add(values, found.negative)
            if changes.unread:
                unread.add(event, changes.unread)
    yield from (total, negative, fields, unread)
