"""What people and programs are shown: pages for a terminal and Markdown, JSON documents. Pure.

Nothing here reads a journal, a file or a clock: the nouns of the model go in, text comes out.
Colour never carries a meaning alone: a symbol or a word always says it too.
"""
