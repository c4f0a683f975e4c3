"""What a comparison of maps says: means with intervals, and each map's paired difference to another."""

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
    """The photographs with objects of a class, in an order drawn by the seed.

    ``"choose"`` are every second of them, to choose a map on, and ``"confirm"`` the others, to see whether the choice
    holds.

    Raises:
        DataError: there is no such part.
    """
    if part not in PARTS:
        raise DataError(f"part {part!r}: expected one of {', '.join(PARTS)}")
    own = [each for each in data if len(each.of_class(class_name))]
    drawn = [own[index] for index in np.random.default_rng(seed).permutation(len(own))]
    return {"all": drawn, "choose": drawn[0::2], "confirm": drawn[1::2]}[part]


def numbers_of(baselines: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Each summary's name to the number of a row, and one to be taken away from it."""
    found: dict[str, tuple[str, str | None]] = {name: (name, None) for name in (*PLACES, *COSTS)}
    for baseline in baselines:
        found[f"{baseline} faithfulness"] = (f"{baseline} insertion", f"{baseline} deletion")
        found[f"{baseline} faithfulness best"] = (f"{baseline} insertion best", f"{baseline} deletion best")
        for number in ("insertion", "deletion", "insertion 10%", "deletion 10%", "empty"):
            found[f"{baseline} {number}"] = (f"{baseline} {number}", None)
    return found


def summarise(rows: Sequence[Row], baselines: Sequence[str], against: Sequence[str] = (), resamples: int = RESAMPLES,
              seed: int = 0) -> list[Row]:
    """A line a map: ``map``, ``objects``, ``photographs``, and every number as ``{"value", "low", "high", "n"}``.

    ``B faithfulness`` is insertion minus deletion on baseline B, of the box's own row; ``B faithfulness best`` of the
    best row of the same label on the box. For each map of ``against``, ``B faithfulness - MAP`` (and ``… best - MAP``)
    is the mean difference on the objects that both have.

    Args:
        rows: from :func:`detcam.evaluation.map_comparison.compare_photograph`.
        baselines: which of them the rows have.
        against: maps that every other is compared with.
        resamples: how often the photographs are drawn for the intervals.
        seed: where the draws start from.
    """
    by_map: dict[str, dict[tuple[Any, ...], Row]] = {}
    for row in rows:
        by_map.setdefault(row["map"], {})[tuple(row[key] for key in OBJECT)] = row
    numbers = numbers_of(baselines)
    lines = []
    for name, own in by_map.items():
        line: Row = {"map": name, "objects": len(own), "photographs": len({key[0] for key in own})}
        for number in numbers:
            line[number] = _estimate(own, _values(own, numbers[number]), resamples, seed)
        for other in against:
            both = {key: row for key, row in own.items() if key in by_map.get(other, {})}
            if name == other or not both:
                continue
            theirs = {key: by_map[other][key] for key in both}
            for number in (each for each in numbers if "faithfulness" in each):
                difference = _values(both, numbers[number]) - _values(theirs, numbers[number])
                line[f"{number} - {other}"] = _estimate(both, difference, resamples, seed)
        lines.append(line)
    return lines


def _values(rows: dict[tuple[Any, ...], Row], number: tuple[str, str | None]) -> NDArray[np.float64]:
    first, second = number
    found = np.array([_known(row[first]) for row in rows.values()])
    return found if second is None else found - np.array([_known(row[second]) for row in rows.values()])


def _known(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _estimate(rows: dict[tuple[Any, ...], Row], values: NDArray[np.float64], resamples: int, seed: int) -> Row:
    photograph = np.unique([key[0] for key in rows], return_inverse=True)[1]
    found, count = mean(values, photograph, resamples, seed)
    return {"value": found.value, "low": found.low, "high": found.high, "n": count}


def words_of(estimate: Row | None, signed: bool = False) -> str:
    """``"0.76 [0.71, 0.80]"``, or ``-`` where there is none."""
    if estimate is None or not np.isfinite(_known(estimate["value"])):
        return "-"
    sign = "+" if signed else ""
    value, low, high = (format(estimate[key], f"{sign}.2f") for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def table_of(lines: Sequence[Row], baselines: Sequence[str], against: Sequence[str]) -> list[tuple[str, ...]]:
    """The summary as words: a heading, then a line a map, the most faithful first."""
    heading = ["map", "own mask / others / peak"]
    for baseline in baselines:
        heading += [f"{baseline}: insertion - deletion", *(f"… minus {other}" for other in against),
                    "best row", "first 10 %: del. / ins."]
    heading.append("forwards' worth")
    first = f"{baselines[0]} faithfulness"
    table = [tuple(heading)]
    for line in sorted(lines, key=lambda each: -np.nan_to_num(_known(each[first]["value"]), nan=-9.0)):
        cells = [line["map"], " / ".join(_short(line[name]) for name in PLACES)]
        for baseline in baselines:
            name = f"{baseline} faithfulness"
            cells += [words_of(line[name]), *(words_of(line.get(f"{name} - {other}"), True) for other in against),
                      _short(line[f"{name} best"]),
                      f"{_short(line[f'{baseline} deletion 10%'])} / {_short(line[f'{baseline} insertion 10%'])}"]
        cells.append(format(line["worth"]["value"], ".3g"))
        table.append(tuple(cells))
    return table


def _short(estimate: Row) -> str:
    value = _known(estimate["value"])
    return "-" if not np.isfinite(value) else f"{value:.2f}"
