"""An audit names the fault that was planted in a detector, and stays silent on a sound one.

The detectors are trained (tests/faults), each fault by its training pictures or labels alone. The limits of findings
were set on other detectors, pictures, persons and backgrounds (docs/measurements/shortcuts.md); here are those of the
report. At least 95 % of audits have to name the fault, and at most 5 % of those of sound detectors may accuse them: of
thirty, and of ten, that is all but one, and none.
"""

from pathlib import Path
from typing import Any

import pytest

from detcam.audits.audit import audit
from detcam.audits.summary import summarise
from detcam.audits.table import read_table
from detcam.datasets.formats import read_data_set
from detcam.diagnosis.attention.shortcuts import CORNER_NAMES
from detcam.evaluation.planted_faults.training import corner_of
from detcam.evaluation.planted_faults.zoo import audit_folder, detector_of

pytestmark = pytest.mark.assets

SEEDS = range(10, 15)
PICTURES = 100
FAULTS = {"tall": "top edge too high", "marker": "context", "corner": "corners: {corner}",
          "left_half": "one side: left", "background": "spread", "hat": "top edge too high"}
"""The kind of a detector to the name of the finding, which says the corner of the logo."""
PULLED = {"tall": False, "hat": True}
"""Whether what is seen above the head holds the top edge there: a hat does, labels that are drawn too high do not."""


def findings(kind: str, seed: int, pictures_seed: int, folder: Path) -> list[dict[str, Any]]:
    """What an audit of a detector says of it."""
    data = read_data_set(audit_folder(kind, pictures_seed, PICTURES, "report", folder / "pictures"))
    outcome = audit(detector_of(kind, seed), data, folder / "audit", classes=["person"], edges=kind in PULLED,
                    intervene=True, heatmaps=False)
    assert (outcome.done, outcome.failures) == (PICTURES, {})
    found: list[dict[str, Any]] = summarise(read_table(folder / "audit"), outcome.done)["findings"]
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", FAULTS)
def test_the_fault_is_named(kind: str, seed: int, assets: Path, tmp_path: Path) -> None:
    found = findings(kind, seed, seed, tmp_path)
    named = {each["name"]: each for each in found}
    fault = FAULTS[kind].format(corner=CORNER_NAMES[corner_of(seed)])
    assert fault in named, found
    assert named[fault].get("pulled") == PULLED.get(kind)


@pytest.mark.parametrize("pictures", [0, 100])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_sound_detector_is_accused_of_nothing(seed: int, pictures: int, assets: Path, tmp_path: Path) -> None:
    assert findings("sound", seed, seed + pictures, tmp_path) == []
