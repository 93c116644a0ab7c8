"""All that decides the weights, from the batches to the epoch that is kept; the folder is part of
every training's digest. Code that only watches, logs or draws does not belong here.
"""
