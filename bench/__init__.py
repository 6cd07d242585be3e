"""What is measured, against what, and the figures; and the soak. Not part of the wheel."""
