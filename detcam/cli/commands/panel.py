"""``detcam panel``: a classifier's maps of a photograph beside a detector's boxes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from detcam.cli.console import counted
from detcam.cli.option_groups import Part, grouped
from detcam.cli.options import ColourMap, DetectorOptions, MinScore
from detcam.cli.photographs import one_photograph
from detcam.detectors.for_torchvision.registry import SHIPPED
from detcam.errors import printable


@grouped
def panel(
    image: Annotated[str, typer.Argument(help="One photograph.")],
    options: Annotated[DetectorOptions, Part(without=("model", "top_k"))],
    classifier: Annotated[str, typer.Option(help="A classifier of torchvision's, or timm:NAME.")] = "squeezenet1_1",
    classifier_weights: Annotated[Path | None, typer.Option(
        help="State dict of the classifier. Default: the published one.")] = None,
    classifier_names: Annotated[Path | None, typer.Option(
        help="Class names of the classifier, one a line, from label 0 on.")] = None,
    detector: Annotated[str, typer.Option("--detector", "--model", help="The detector: what --model takes elsewhere.")
                        ] = SHIPPED,
    min_score: MinScore = None,
    max_boxes: Annotated[int, typer.Option(min=1, help="At most so many boxes, best score first.")] = 12,
    cmap: ColourMap = "inferno", out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("panel.png"),
) -> None:
    """Draw a classifier's maps of a photograph beside a detector's boxes, with how clear each box's outline is."""
    photograph = one_photograph(image)

    from detcam.explanations.classifier_panel import panel as made
    from detcam.views.explanation.panel import save_panel
    from detcam.views.page.colours import colour_map

    colour_map(cmap)
    seeing = DetectorOptions(classifier, classifier_weights, classifier_names, device=options.device).load()
    drawing = replace(options, model=detector).load()
    found = made(seeing, drawing, photograph, min_score=min_score, max_boxes=max_boxes)
    save_panel(found, out, cmap=cmap)
    one = found.classified[0]
    print(printable(f"{one.class_name} {one.score:.2f} beside {counted(len(found.detections), 'box')}: {out}"))
