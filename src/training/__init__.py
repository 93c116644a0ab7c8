"""All that decides the weights of a model, from the batches to the epoch whose weights are kept;
the folder is part of every training's digest. What only watches, logs or draws may not lie here.
"""
