"""Attribution methods: one small file each, and one line each in ``table.py``."""
