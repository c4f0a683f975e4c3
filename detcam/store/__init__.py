"""Explanations on disk: one ``explanations.json``, and the raw heatmaps of each photograph in an ``.npz`` beside it.

Every file is written whole or not at all. A photograph's ``.npz`` is in place before ``explanations.json`` names it,
so a run that is killed leaves a folder that loads.
"""
