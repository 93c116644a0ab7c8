"""Everything that decides the weights of a model, from the batches to the epoch whose weights are
kept; the folder is part of every training's digest. Code that only watches, logs or draws does not
belong here.
"""
