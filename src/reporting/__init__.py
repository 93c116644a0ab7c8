"""The report on a comparison: its figures, captions, page, and files; and the report of a search.
Numbers that `src.analysis` can compute are not computed here.
"""
