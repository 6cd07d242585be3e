"""The emulated Google Cloud and Workspace: what `stopline drill` cuts a vendor off from.

Routes and bodies are held to the discovery documents that Google's own client ships; whatever has
no behaviour here is answered with 501, never with success.
"""
