"""The emulated Google Cloud and Workspace: what `stopline drill` cuts a vendor off from.

Routes and bodies are held to the discovery documents that Google's own client ships; whatever has
no behaviour here is answered with 501, never with success.

`estate` tells what there is and `building` puts it into a `state`; `server` serves it, `client` is
Google's own client in front of it. `documents` knows the methods, `calls` which of them are
answered and what permission each asks for. `oracle` alone decides who may do what: by deny
policies, allow policies with their groups and `conditions`, access lists, and what is switched off.
`reach` sums it up for one caller, `faults` makes a night bad, `delays` lets policies count late.

A bearer token names the caller: `user:E`, `serviceAccount:E`, `key:ID`, `hmac:ID`,
`principal://…/subject/S`, or `operator`, who may do everything. Not emulated: the boundaries of
principals, perimeters, tags, organisation policies but for restricted sharing, and everything of
Drive and Gmail.
"""
