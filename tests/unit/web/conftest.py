"""What the tests of patients' pages share."""

from pathlib import Path

import pytest

from tests.world import World

from .booking_pages import Asking, Patient, patient_of


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    def start(world: World | None = None) -> Patient:
        return patient_of(world or World(), tmp_path)

    return start
