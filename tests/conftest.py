"""What holds for every test."""

import os

# A machine with more tests than cores is slow, and not deadlocked: the SDK's watch over workflows
# raises where it finds a thread, and fails whichever test that is. pytest's timeout finds a hang.
os.environ.setdefault("TEMPORAL_DEBUG", "1")
