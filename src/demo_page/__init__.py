"""The page of `make demo`: its models, the conversion of a drawing to an image, and the web
application. The verdict on the models comes from a report.
"""
