"""Telling stakeholders: what is said to whom (`drafting`), and how it gets there (`channels`)."""
