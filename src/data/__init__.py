"""The input: sources of images, the CSV files, and the arrays made from them."""
