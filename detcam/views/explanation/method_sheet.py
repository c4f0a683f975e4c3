"""One detection under many methods, side by side: the map, the time, and the known flaws of each."""

from pathlib import Path

from matplotlib.figure import Figure

from detcam.attribution.methods.registry import entry_of
from detcam.explanations.compare_methods import MethodComparison
from detcam.explanations.explanation import Maps
from detcam.views.explanation.strip import SCALE_WORDS, Picture, Words, strip_figure
from detcam.views.page.colours import HEAT, colour_map
from detcam.views.page.lettering import listed
from detcam.views.page.png import DPI, write_figure
from detcam.views.page.sheet import file_name

LEGEND = (f"Heat of each map on a linear scale; each method has its own scale: {SCALE_WORDS} A map that lies well on "
          "the object need not be faithful to the detector: see \"Which maps are faithful?\" in the documentation.")


def methods_figure(found: MethodComparison, *, cmap: str = HEAT, dpi: float = DPI) -> Figure:
    """The detection's crop, then a picture a method, in the given order.

    Args:
        found: one detection under some methods.
        cmap: a Matplotlib colour map for the heat.
        dpi: pixels an inch.

    Raises:
        InputError: there is no such colour map.
    """
    colour_map(cmap)
    one = found.explanation
    pictures = [_picture(maps, seconds) for maps, seconds in zip(one.maps, found.seconds, strict=True)]
    title = f"the same box under {len(pictures)} method{'s' * (len(pictures) > 1)}"
    targets = {maps.target for maps in one.maps}
    facts = (file_name(one.image.name), file_name(str(one.provenance.get("detector", "detector"))),
             listed(sorted(targets)), f"level {one.detections.levels[0]}")
    sign_meanings = next((maps.sign_meanings for maps in one.maps if maps.sign_meanings), None)
    marks = [f"* {listed(names)}: {words}." for words, names in _marked(one.maps).items()]
    refused = [f"Not drawn: {name}: {why}." for name, why in found.refused.items()]
    return strip_figure(one, 0, pictures, Words(title, facts, (LEGEND, *marks, *refused), sign_meanings), cmap, dpi)


def save_methods(found: MethodComparison, path: Path, *, cmap: str = HEAT, dpi: float = DPI) -> None:
    """Write the page, whole or not at all.

    Raises:
        InputError: there is no such colour map.
        OutputError: the picture cannot be written.
    """
    write_figure(methods_figure(found, cmap=cmap, dpi=dpi), path, found.explanation.image.name)


def _picture(maps: Maps, seconds: float) -> Picture:
    heatmap = maps.heatmaps[0]
    marked = "*" if any(maps.method in names for names in _marked((maps,)).values()) else ""
    where = "fused layers" if heatmap.scales else heatmap.layer
    return Picture(heatmap, maps.method + marked, where, f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s")


def _marked(maps: tuple[Maps, ...]) -> dict[str, list[str]]:
    """The flaws of methods that the table of methods knows, and the methods with each."""
    flaws: dict[str, list[str]] = {}
    for method_maps in maps:
        name, entry = method_maps.method, entry_of(method_maps.method)
        if entry is not None and not entry.sees_box:
            flaws.setdefault("the map does not depend on the box", []).append(name)
        if entry is not None and entry.fails_randomization:
            flaws.setdefault("much of the map is there before any training (parameter randomization)", []).append(name)
    return flaws
