"""The recovery sheet: what is kept outside the journal for the night when stopline itself is down.

`sheet` is what is in it, `gathering` makes it of the journal, `places` writes it down, `rebuilding`
makes a journal of it again.
"""
