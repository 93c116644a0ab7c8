"""The page of `make demo`: its models, the conversion of a drawing to an image, the application."""
