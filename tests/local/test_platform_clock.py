"""The local clock moves forward, for all services at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from privity.errors import Trouble
from privity.platform_clock import advance, offset


def test_durations_add_up(tmp_path: Path) -> None:
    file = tmp_path / "clock-offset"
    advance(file, "PT48H")
    now = advance(file, "P1DT0.5S")
    assert offset(file) == timedelta(days=3, seconds=0.5)
    assert float(file.read_text()) == 3 * 86400 + 0.5
    assert abs(now - datetime.now(UTC) - timedelta(days=3)) < timedelta(seconds=5)


@pytest.mark.parametrize("wrong", ["soon", "-PT1H", ""])
def test_what_is_no_way_forward_changes_nothing(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "clock-offset"
    advance(file, "PT1H")
    with pytest.raises(Trouble):
        advance(file, wrong)
    assert offset(file) == timedelta(hours=1)
