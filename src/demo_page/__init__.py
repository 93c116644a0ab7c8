"""The page of `make demo`: its models, the conversion of a drawing to an image, and the web
application. Nothing here decides which run is better; the verdict comes from a report.
"""
