"""The page of `make demo`: which models it shows, how a drawing becomes an image, and the web
application. Nothing here decides which run is better; the verdict is read from a report.
"""
