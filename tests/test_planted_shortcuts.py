"""An audit names the shortcut that a detector was taught, and no other: one detector of each kind, from data to words.

Rates over many detectors and pictures are in ``docs/measurements/shortcuts.md``.
"""

from pathlib import Path

import pytest
from faults.training import corner_of
from faults.zoo import KINDS, audit_folder, detector_of

from detcam.audit import audit
from detcam.audit.summary import summarise
from detcam.audit.table import read_table
from detcam.data import read_data_set
from detcam.diagnosis.shortcuts import CONTEXT, CORNER_NAMES, CORNERS, ONE_SIDE, PATTERNS, SPREAD

SEED = 0
PICTURES = 60
NAMED = {"sound": [], "tall": [], "marker": [CONTEXT], "corner": [f"{CORNERS}: {CORNER_NAMES[corner_of(SEED)]}"],
         "left_half": [f"{ONE_SIDE}: left"], "background": [SPREAD]}


@pytest.mark.assets
@pytest.mark.parametrize("kind", KINDS)
def test_the_audit_names_what_was_planted(kind: str, assets: Path, tmp_path: Path) -> None:
    data = read_data_set(audit_folder(kind, SEED, PICTURES, "report", tmp_path / "pictures"))
    done = audit(detector_of(kind, SEED), data, tmp_path / "out", classes=["person"], intervene=True, heatmaps=False)
    summary = summarise(read_table(done.table), done.photographs)
    found = [each["name"] for each in summary["findings"] if each["name"].partition(":")[0] in PATTERNS]
    assert found == NAMED[kind]
    assert all(each["rests_on"] == "intervention" for each in summary["shortcuts"])
