"""Temporal activities: `api` names them with their inputs and outputs, the rest are bodies."""
