"""``detcam sheet``: one box under every method, on one page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from detcam.cli.console import counted
from detcam.cli.option_groups import grouped
from detcam.cli.options import Classes, ColourMap, DetectorOptions, MethodOptions, MinScore
from detcam.cli.photographs import one_photograph
from detcam.errors import printable


@grouped
def sheet(
    image: Annotated[str, typer.Argument(help="One photograph.")],
    detector: DetectorOptions, how: MethodOptions, classes: Classes = None, min_score: MinScore = None,
    number: Annotated[int, typer.Option(min=1, metavar="N", help="Number of the box, best score first.")] = 1,
    cmap: ColourMap = "inferno",
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("methods.png"),
) -> None:
    """Draw one box under every method, or under those that are named, on one page."""
    photograph = one_photograph(image)

    from rich.console import Console

    from detcam.attribution.layers.names import DEPTH
    from detcam.explanations.compare_methods import compare_methods
    from detcam.views.explanation.method_sheet import save_methods
    from detcam.views.page.colours import colour_map

    colour_map(cmap)
    methods = how.chosen_or_all()
    model = detector.load()
    with Console(stderr=True).status("") as status:
        found = compare_methods(
            model, photograph, number, methods, layer=how.layer or DEPTH, target=how.target, min_score=min_score,
            classes=classes, seed=how.seed, step=lambda method: status.update(printable(method.name)))
    save_methods(found, out, cmap=cmap)
    for name, why in found.refused.items():
        print(printable(f"left out: {name}: {why}"), file=sys.stderr)
    print(f"box {number} under {counted(len(found.seconds), 'method')}: {printable(str(out))}")
