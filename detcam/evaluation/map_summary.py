"""The summary of a comparison of maps: means with intervals, and paired differences between maps."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.datasets.ground_truth import GroundTruth
from detcam.errors import DataError
from detcam.evaluation.map_comparison import Row
from detcam.stats.bootstrap import mean

PARTS = ("all", "choose", "confirm")
PLACES = ("on mask", "on others", "peak on mask")
COSTS = ("forwards", "backwards", "worth")
OBJECT = ("photograph", "row", "label")
RESAMPLES = 1000


def photographs_of(data: Sequence[GroundTruth], class_name: str, seed: int = 0, part: str = "all") -> list[GroundTruth]:
    """The photographs with objects of a class, in random order.

    Args:
        data: photographs with their true boxes.
        class_name: of the objects.
        seed: of the order.
        part: ``"all"``; ``"choose"``, every second photograph, on which a map is chosen; or ``"confirm"``, the others,
            on which the choice is confirmed.

    Raises:
        DataError: there is no such part.
    """
    if part not in PARTS:
        raise DataError(f"part {part!r}: expected one of {', '.join(PARTS)}")
    with_class = [truth for truth in data if len(truth.of_class(class_name))]
    drawn = [with_class[i] for i in np.random.default_rng(seed).permutation(len(with_class))]
    return {"all": drawn, "choose": drawn[0::2], "confirm": drawn[1::2]}[part]


def summary_numbers(baselines: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """The name of each summarised number to a column of the rows, and to a column that is subtracted or None."""
    columns: dict[str, tuple[str, str | None]] = {name: (name, None) for name in (*PLACES, *COSTS)}
    for baseline in baselines:
        columns[f"{baseline} faithfulness"] = (f"{baseline} insertion", f"{baseline} deletion")
        columns[f"{baseline} faithfulness best"] = (f"{baseline} insertion best", f"{baseline} deletion best")
        for number in ("insertion", "deletion", "insertion 10%", "deletion 10%", "empty"):
            columns[f"{baseline} {number}"] = (f"{baseline} {number}", None)
    return columns


def summarise_maps(rows: Sequence[Row], baselines: Sequence[str], against: Sequence[str] = (),
                   resamples: int = RESAMPLES, seed: int = 0) -> list[Row]:
    """The mean of every number over objects, for each map.

    Args:
        rows: from :func:`detcam.evaluation.map_comparison.compare_photograph`.
        baselines: those that the rows have.
        against: the names of maps that every other map is compared with.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws.

    Returns:
        A line for each map: ``map``, ``objects``, ``photographs``, and every number as
        ``{"value", "low", "high", "n"}``. ``B faithfulness`` is insertion minus deletion on baseline B of the box's own
        row, ``B faithfulness best`` that of the best row with the same label in the box. For each map of ``against``,
        ``B faithfulness - MAP`` (and ``B faithfulness best - MAP``) is the mean difference on the objects of both.
    """
    by_map: dict[str, dict[tuple[Any, ...], Row]] = {}
    for row in rows:
        by_map.setdefault(row["map"], {})[tuple(row[key] for key in OBJECT)] = row
    numbers = summary_numbers(baselines)
    lines = []
    for name, objects in by_map.items():
        line: Row = {"map": name, "objects": len(objects), "photographs": len({key[0] for key in objects})}
        for number in numbers:
            line[number] = _estimate(objects, _values(objects, numbers[number]), resamples, seed)
        for other in against:
            both = {key: row for key, row in objects.items() if key in by_map.get(other, {})}
            if name == other or not both:
                continue
            theirs = {key: by_map[other][key] for key in both}
            for number in (number for number in numbers if "faithfulness" in number):
                difference = _values(both, numbers[number]) - _values(theirs, numbers[number])
                line[f"{number} - {other}"] = _estimate(both, difference, resamples, seed)
        lines.append(line)
    return lines


def _values(rows: dict[tuple[Any, ...], Row], number: tuple[str, str | None]) -> NDArray[np.float64]:
    first, second = number
    values = np.array([_known(row[first]) for row in rows.values()])
    return values if second is None else values - np.array([_known(row[second]) for row in rows.values()])


def _known(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _estimate(rows: dict[tuple[Any, ...], Row], values: NDArray[np.float64], resamples: int, seed: int) -> Row:
    photograph = np.unique([key[0] for key in rows], return_inverse=True)[1]
    estimate, count = mean(values, photograph, resamples, seed)
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": count}


def estimate_text(estimate: Row | None, signed: bool = False) -> str:
    """An estimate as text, ``"0.76 [0.71, 0.80]"``, or ``"-"`` without one."""
    if estimate is None or not np.isfinite(_known(estimate["value"])):
        return "-"
    sign = "+" if signed else ""
    value, low, high = (format(estimate[key], f"{sign}.2f") for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def map_table(lines: Sequence[Row], baselines: Sequence[str], against: Sequence[str]) -> list[tuple[str, ...]]:
    """The summary as a table of text: a heading, then a line for each map, the most faithful first.

    Args:
        lines: from :func:`summarise_maps`.
        baselines: as given there; the first one sorts the lines.
        against: as given there.
    """
    heading = ["map", "own mask / others / peak"]
    for baseline in baselines:
        heading += [f"{baseline}: insertion - deletion", *(f"… minus {other}" for other in against),
                    "best row", "first 10 %: del. / ins."]
    heading.append("forwards' worth")
    first = f"{baselines[0]} faithfulness"
    table = [tuple(heading)]
    for line in sorted(lines, key=lambda line: -np.nan_to_num(_known(line[first]["value"]), nan=-9.0)):
        cells = [line["map"], " / ".join(_short(line[name]) for name in PLACES)]
        for baseline in baselines:
            name = f"{baseline} faithfulness"
            cells += [estimate_text(line[name]),
                      *(estimate_text(line.get(f"{name} - {other}"), True) for other in against),
                      _short(line[f"{name} best"]),
                      f"{_short(line[f'{baseline} deletion 10%'])} / {_short(line[f'{baseline} insertion 10%'])}"]
        cells.append(format(line["worth"]["value"], ".3g"))
        table.append(tuple(cells))
    return table


def _short(estimate: Row) -> str:
    value = _known(estimate["value"])
    return "-" if not np.isfinite(value) else f"{value:.2f}"
