"""What tests of exporting share: one run that has really learned something."""

import pytest
from faulty import FAQ, Trained, trained


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A trained run with adapter and merged model."""
    return trained(tmp_path_factory.mktemp("gated"), *FAQ, "export=[adapter,merged]")
