"""What the README says about speed, measured: each command prints a table, ours and the reference
taken in turn.

python -m benchmarks.time_to_accuracy   seconds to the notebook's score, against the notebook itself
                                        and against the 15-CNN kernel's single net
python -m benchmarks.throughput         images/s of the notebook CNN's training step, against
                                        PyTorch's
python -m benchmarks.peak               the share that this step attains of the machine's own matrix
                                        product, and what eats the rest
python -m benchmarks.sprint             seconds to 99 % on the official 10,000, against PyTorch
python -m benchmarks.activation_cost    milliseconds of a training step with Swish and with
                                        swish_beta, against ReLU
python -m benchmarks.sweep_throughput   runs per minute of a sweep with two workers, against one run
                                        after the other
python -m benchmarks.data_stages        seconds and memory of fetch and preprocess, against pandas
                                        and NumPy
python -m benchmarks.steps              what each step towards the default recipe's speed is worth
python -m benchmarks.folds              errors of recipes by cross-validation: how they were chosen
python -m benchmarks.tracking_cost      wall time of a training with MLflow, against it without
python -m benchmarks.startup            what a training's process spends besides training and
                                        evaluation, against `import tensorflow`
"""
