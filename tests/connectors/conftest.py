"""The contract's assertions speak like those of a test file."""

import pytest

pytest.register_assert_rewrite("connectors.contract", "support.aws")
