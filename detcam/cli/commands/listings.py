"""``detcam methods`` and ``detcam layers``: what there is to choose from, as tables in the terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detcam.attribution.method import Cost
from detcam.attribution.methods.table import METHODS
from detcam.cli.option_groups import Part, grouped
from detcam.cli.options import DetectorOptions, Json
from detcam.detectors.for_torchvision.registry import SHIPPED

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from detcam.attribution.layers.listing import UsefulLayer
    from detcam.detectors.base import Detector

NOISE = (480, 640)  # height and width of the picture on which layers are looked at: what it shows does not matter


def methods(as_json: Json = False) -> None:
    """List the attribution methods: what each costs, needs, and when to use which."""
    from rich.console import Console

    print_methods(as_json, Console())


@grouped
def layers(
    detector: Annotated[DetectorOptions, Part(without=("model", "top_k"))],
    model: Annotated[str, typer.Argument(help="What --model takes elsewhere.")] = SHIPPED, as_json: Json = False,
) -> None:
    """List a detector's useful layers: stride, channels, and whose levels' boxes each can explain."""
    from rich.console import Console

    print_layers(replace(detector, model=model).load(), as_json, Console())


def method_rows() -> list[dict[str, Any]]:
    """Every method: ``name``, ``kind``, ``source``, ``description``, ``use``, ``needs``, ``sees_box``,
    ``fails_randomization``, and ``cost`` with ``forwards``, ``box_forwards`` and ``box_backwards``."""
    rows = []
    for name, entry in METHODS.items():
        row = asdict(entry)
        del row["where"]
        rows.append({"name": name, **row})
    return rows


def layer_rows(detector: Detector) -> list[dict[str, Any]]:
    """A detector's useful layers, from shallow to deep, as :class:`UsefulLayer` has them, flat."""
    import numpy as np

    from detcam.attribution.layers.listing import useful_layers
    from detcam.imaging.image import Image

    rgb = np.random.default_rng(0).integers(0, 256, (*NOISE, 3), dtype=np.uint8)
    return [_flat(layer) for layer in useful_layers(detector, detector.canvas(Image(rgb, "noise")))]


def _flat(layer: UsefulLayer) -> dict[str, Any]:
    row = asdict(layer)
    grid = row.pop("grid")
    return {"name": row.pop("name"), "stride": list(grid["stride"]), "origin": list(grid["origin"]), **row}


def print_methods(as_json: bool, console: Console) -> None:
    """All methods, what they cost, and when to use which."""
    if as_json:
        print(json.dumps(method_rows(), indent=1))
        return
    table = _empty_table()
    for title in ("method", "kind", "passes", "when to use it", "paper"):
        table.add_column(title, overflow="fold", no_wrap=title == "method")
    for name, entry in METHODS.items():
        marks = [word for word, has in (("does not look at the box", not entry.sees_box),
                                        ("fails parameter randomization", entry.fails_randomization)) if has]
        use = entry.use + "".join(f" [bold]{mark[0].upper()}{mark[1:]}.[/bold]" for mark in marks)
        table.add_row(name, entry.kind, cost_words(entry.cost), use + (f" Needs {entry.needs}." if entry.needs else ""),
                      entry.source)
    console.print(table)
    console.print("[dim]Passes: forward ones a photograph, then what each box adds: f forward, b backward. 'channels' "
                  "are the layer's. --json has every method's description too.[/dim]")


def cost_words(cost: Cost) -> str:
    """``"1 + 1b a box"``: forwards a photograph, and forwards and backwards a box."""
    kinds = ((cost.box_forwards, "f"), (cost.box_backwards, "b"))
    own = " ".join(f"{count}{letter}" for count, letter in kinds if count)
    return f"{cost.forwards} + {own} a box" if own else f"{cost.forwards}"


def print_layers(detector: Detector, as_json: bool, console: Console) -> None:
    """A detector's useful layers, with stride, channels and the levels whose boxes each can explain."""
    rows = layer_rows(detector)
    if as_json:
        print(json.dumps({"detector": detector.name, "architecture": detector.architecture, "layers": rows}, indent=1))
        return
    table = _empty_table(f"{detector.name} ({detector.family})")
    for title in ("layer", "stride", "cells", "channels", "boxes of level", "what it is"):
        number = title in ("stride", "cells", "channels")
        table.add_column(title, justify="right" if number else "left", overflow="fold", no_wrap=title == "layer")
    for row in rows:
        table.add_row(row["name"], _stride(row["stride"]), "{} x {}".format(*row["cells"]), str(row["channels"]),
                      "any" if row["explains"] == (-1,) else ", ".join(map(str, row["explains"])) or "none", _what(row))
    console.print(table)
    console.print("[dim]From shallow to deep, one layer for each change of resolution; --layer takes these names, any "
                  "other module's, 'auto' (a box's own level) and 'depth' (its level and those marked so).[/dim]")


def _empty_table(title: str | None = None) -> Table:
    from rich.table import Table

    return Table(box=None, padding=(0, 2, 0, 0), header_style="bold dim", title=title, title_justify="left")


def _stride(stride: Sequence[float]) -> str:
    return " x ".join(f"{each:g}" for each in dict.fromkeys(stride))


def _what(row: dict[str, Any]) -> str:
    level = row["level"]
    words = [f"input of level {level}" if level is not None else "", "in depth" if row["in_depth"] else "",
             "edge layer" if row["edge_layer"] else ""]
    return ", ".join(word for word in words if word)
