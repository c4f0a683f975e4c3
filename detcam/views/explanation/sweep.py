"""One detection at many layers: its crop, then its heat from the shallowest layer to the deepest."""

from glob import escape
from pathlib import Path

from matplotlib.figure import Figure

from detcam.attribution.heatmap import UNREACHABLE, Heatmap
from detcam.errors import InputError
from detcam.explanations.explanation import Explanation
from detcam.views.explanation.strip import SCALE_WORDS, Picture, Words, strip_figure
from detcam.views.page.colours import HEAT, colour_map
from detcam.views.page.lettering import listed
from detcam.views.page.png import DPI, is_own, write_figure
from detcam.views.page.sheet import file_name

TITLE = "evidence for this box, layer by layer"
LEGEND = f"Heat of each map on a linear scale; each layer has its own scale: {SCALE_WORDS}"


def sweep_figure(explanation: Explanation, index: int, *, cmap: str = HEAT, dpi: float = DPI) -> Figure:
    """One detection at every layer that reaches it, from shallow to deep; the names of the layers that do not.

    Args:
        explanation: one photograph's, explained with ``sweep``.
        index: of the detection.
        cmap: a Matplotlib colour map for the heat.
        dpi: pixels an inch.

    Raises:
        InputError: there is no sweep of this detection, or no such colour map.
    """
    colour_map(cmap)
    sweep = explanation.sweep
    maps = {} if sweep is None else sweep.heatmaps[index]
    if sweep is None or not maps:
        raise InputError(f"there is no sweep of box {explanation.numbered[index]}: explain with sweep=True")
    drawn = [_picture(explanation, index, heatmap) for heatmap in maps.values() if heatmap.status != UNREACHABLE]
    unreachable = [name for name, heatmap in maps.items() if heatmap.status == UNREACHABLE]
    level = f"level {explanation.detections.levels[index]}"
    facts = (file_name(explanation.image.name), file_name(str(explanation.provenance.get("detector", "detector"))),
             sweep.method, explanation.maps[0].target_of(index), level, "shallow layers first")
    sign_meanings = explanation.maps[0].sign_meanings
    missing = [f"Not drawn, because no path leads from these layers to this box: {listed(unreachable)}."] if (
        unreachable) else []
    return strip_figure(explanation, index, drawn, Words(TITLE, facts, (LEGEND, *missing), sign_meanings), cmap, dpi)


def _picture(explanation: Explanation, index: int, heatmap: Heatmap) -> Picture:
    """A layer's map, with its stride and channels, and the level that the layer feeds."""
    assert explanation.sweep is not None
    across, down = heatmap.grid.stride
    stride = f"{across:.4g}" if across == down else f"{across:.4g} by {down:.4g}"
    level = explanation.sweep.levels.get(heatmap.layer)
    this_box = ", of this box" if level == explanation.detections.levels[index] else ""
    return Picture(heatmap, heatmap.layer, f"stride {stride}, {explanation.sweep.channels[heatmap.layer]} channels",
                   "" if level is None else f"level {level}{this_box}")


def save_sweeps(explanation: Explanation, path_stem: str | Path, *, cmap: str = HEAT, dpi: float = DPI) -> list[Path]:
    """Write ``<stem>.sweep-<number>.png`` for every detection with a sweep, each whole or not at all.

    Sweeps of the same photograph that an earlier run left are removed.

    Args:
        explanation: one photograph's.
        path_stem: the folder, which must exist, and the file name without its ending.
        cmap: a Matplotlib colour map for the heat.
        dpi: pixels an inch.

    Raises:
        InputError: there is no such colour map.
        OutputError: a picture cannot be written.
    """
    stem, name = Path(path_stem), explanation.image.name
    written = []
    for index, number in enumerate(explanation.numbered):
        if explanation.sweep is not None and explanation.sweep.heatmaps[index]:
            path = stem.with_name(f"{stem.name}.sweep-{number}.png")
            write_figure(sweep_figure(explanation, index, cmap=cmap, dpi=dpi), path, name)
            written.append(path)
    for old in set(stem.parent.glob(f"{escape(stem.name)}.sweep-*.png")) - set(written):
        if is_own(old, name):
            old.unlink(missing_ok=True)
    return written
