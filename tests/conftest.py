"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
import torch

THREADS = max(1, (os.cpu_count() or 2) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
torch.set_num_threads(THREADS)
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))  # of the processes that tests start


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder with photographs and weights for the tests marked ``assets``."""
    where = os.environ.get("DETCAM_ASSETS")
    if not where:
        pytest.skip("DETCAM_ASSETS is unset: this test needs real weights and photographs")
    return Path(where)
