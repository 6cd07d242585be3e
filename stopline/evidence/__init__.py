"""For an auditor, months later: a bundle made from the journal, verified without it.

`bundle` gathers and packs, `envelope` signs, `verifying` checks offline, `report` is for people,
`ocsf` for other programs.
"""
