"""A Verdict as plain JSON data, and back."""

from dataclasses import asdict
from typing import Any

from detcam.verdicts.place import Place
from detcam.verdicts.verdict import Reason, Rival, Verdict


def verdict_record(verdict: Verdict | None) -> dict[str, Any] | None:
    """A verdict as JSON data; its sentence and kind are there to be read, and made anew from the numbers."""
    if verdict is None:
        return None
    record = asdict(verdict)
    place = verdict.place
    record["place"] = {"at": place.at and list(place.at), "box": place.box and list(place.box)} | (
        {} if place.label is None else {"label": place.label})
    return {"kind": verdict.kind, "sentence": verdict.sentence} | record


def read_verdict(record: dict[str, Any] | None) -> Verdict | None:
    """The verdict that :func:`verdict_record` wrote.

    Raises:
        KeyError, TypeError, ValueError, IndexError, AttributeError: the record is not one.
    """
    if record is None:
        return None
    fields: dict[str, Any] = {name: value for name, value in record.items() if name not in ("kind", "sentence")}
    at, box = (numbers and tuple(float(each) for each in numbers) for numbers in (
        record["place"]["at"], record["place"]["box"]))
    fields["place"] = Place(at, box, record["place"].get("label"))
    fields["reasons"] = tuple(
        Reason(**each | {"rival": None if each["rival"] is None else Rival(**each["rival"])})
        for each in record["reasons"])
    return Verdict(**fields)
