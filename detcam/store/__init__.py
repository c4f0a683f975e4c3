"""Explanations on disk: one ``explanations.json``, and an ``.npz`` with the raw heatmaps of each photograph.

Every file is written completely or not at all. A photograph's ``.npz`` is written before ``explanations.json`` names
it, so that a killed run leaves a folder that loads.
"""
