"""One file for each edit of the tables, in order."""
