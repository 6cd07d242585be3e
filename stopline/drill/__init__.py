"""The drill: the whole product against an emulated estate, judged by eyes of its own."""
