"""What a large estate of AWS costs is measured on a small one, which is given back."""

from pathlib import Path

import pytest

from bench import aws

VARIABLES = (
    "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION",
)  # fmt: skip


@pytest.mark.night
def test_a_small_estate_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One page of each account, three calls for the vendor's one user; refusals are got over."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(aws, "BURST", 4.0)
    monkeypatch.setattr(aws, "EVERY", 2)
    monkeypatch.setattr(aws, "ACCOUNTS", aws.ACCOUNTS[:1])
    found = aws.run(2, 2, tmp_path)
    assert found.changes == 5
    assert found.reading["iam"] >= 1 + 3
    assert found.refused
    assert found.bound > 0
