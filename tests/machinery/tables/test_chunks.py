"""The limits of a container are those of the process."""

import pytest
from late_flights.factory.tables import chunks

UNLIMITED_V2 = {"cpu.max": "max 100000\n", "memory.max": "max\n"}
UNLIMITED_V1 = {
    "cpu/cpu.cfs_quota_us": "-1\n",
    "cpu/cpu.cfs_period_us": "100000\n",
    "memory/memory.limit_in_bytes": "9223372036854771712\n",
}
LIMITED_V2 = {"cpu.max": "100000 100000\n", "memory.max": "536870912\n"}
LIMITED_V1 = {**UNLIMITED_V1, "cpu/cpu.cfs_quota_us": "100000\n", "memory/memory.limit_in_bytes": "536870912\n"}


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """Gives the process the limits in these files."""
    monkeypatch.setattr(chunks, "CGROUP", tmp_path)

    def give(files: dict[str, str]) -> tuple[int, int]:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return chunks.processors(), chunks.memory()

    return give


@pytest.mark.parametrize("files", [UNLIMITED_V2, UNLIMITED_V1])
def test_without_limits_all_of_the_machine(limits, files):
    assert limits(files) == limits({})


@pytest.mark.parametrize("files", [LIMITED_V2, LIMITED_V1])
def test_limits_of_the_container(limits, files):
    assert limits(files) == (1, 2**29)
