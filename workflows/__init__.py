"""Temporal workflows: order, time, people. No decision about access, no input or output."""
