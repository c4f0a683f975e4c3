"""A Verdict as plain JSON data, and a Verdict from such data."""

from dataclasses import asdict
from typing import Any

from detcam.verdicts.place import Place
from detcam.verdicts.verdict import Reason, Rival, Verdict


def verdict_record(verdict: Verdict | None) -> dict[str, Any] | None:
    """A verdict as JSON data; None stays None. Its ``kind`` and ``sentence``, for readers, follow from the rest."""
    if verdict is None:
        return None
    record = asdict(verdict)
    place = verdict.place
    record["place"] = {"at": place.at and list(place.at), "box": place.box and list(place.box)} | (
        {} if place.label is None else {"label": place.label})
    return {"kind": verdict.kind, "sentence": verdict.sentence} | record


def read_verdict(record: dict[str, Any] | None) -> Verdict | None:
    """The verdict that :func:`verdict_record` encoded; None stays None.

    Raises:
        KeyError, TypeError, ValueError, IndexError, AttributeError: the record is damaged.
    """
    if record is None:
        return None
    fields: dict[str, Any] = {name: value for name, value in record.items() if name not in ("kind", "sentence")}
    at, box = (numbers and tuple(float(number) for number in numbers) for numbers in (
        record["place"]["at"], record["place"]["box"]))
    fields["place"] = Place(at, box, record["place"].get("label"))
    fields["reasons"] = tuple(
        Reason(**reason | {"rival": None if reason["rival"] is None else Rival(**reason["rival"])})
        for reason in record["reasons"])
    return Verdict(**fields)
