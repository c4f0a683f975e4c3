"""Explanations on disk: one ``explanations.json``, and the raw heatmaps of each photograph in an ``.npz`` beside it.

Every file is written whole or not at all. A photograph's ``.npz`` is in place before ``explanations.json`` names it,
so a run that is killed leaves a folder that loads.
"""

from detcam.store.read import load_explanations
from detcam.store.write import JSON_NAME, SCHEMA, Writer, save

__all__ = ["JSON_NAME", "SCHEMA", "Writer", "load_explanations", "save"]
