"""What the pipeline is compared with: public recipes, each rebuilt on its own from its description.

They share no layer, batch or schedule with src/; only the clock, the arrays and the labels are the
same for both sides.
"""
