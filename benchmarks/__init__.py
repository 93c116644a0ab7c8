"""The README's statements about speed, measured: each command prints a table of ours and the
reference, interleaved. Data must be preprocessed (`dvc repro preprocess`).

python -m benchmarks.time_to_accuracy   seconds to the notebook's score, against the notebook itself
                                        or the 15-CNN kernel's single net
python -m benchmarks.sprint             seconds to 99 % on the official 10,000, against PyTorch
python -m benchmarks.throughput         images/s of the notebook CNN's training step, against
                                        PyTorch's
python -m benchmarks.peak               the share of this machine's own matrix product that this
                                        step attains, and where the rest of the time goes
python -m benchmarks.step_profile       a training step's milliseconds by kind of operation, and
                                        the time its products would take at the peak
python -m benchmarks.activation_cost    the cost of an activation per epoch, as ratios to ReLU
python -m benchmarks.ablation           the share of each part of the default recipe in its
                                        speed
python -m benchmarks.cross_validation "" augmentation=affine
                                        errors of recipes by cross-validation: how they were chosen
python -m benchmarks.startup            the time of a training's process besides training and
                                        evaluation, against `import tensorflow`
python -m benchmarks.tracking_cost      wall time of a training with MLflow, against it without
python -m benchmarks.sweep_throughput   runs per minute of a sweep with workers, against one run
                                        after the other
python -m benchmarks.ray_overhead       seconds of a study on a Ray of this machine, against local
                                        processes, start-up apart
python -m benchmarks.scheduler          tasks per second of the Ray executor, and its memory, with
                                        runs that only sleep (a simulation)
python -m benchmarks.store_writers http://127.0.0.1:5000
                                        runs per minute that many processes log at once, into that
                                        store and into SQLite
python -m benchmarks.planned_looks      false alarms, and seeds saved, of a study that is looked at
                                        repeatedly: how its rule was chosen (a simulation)
python -m benchmarks.tuned_luck         how often two tuned copies of a level differ, with one
                                        search each and with one per seed (a simulation)
python -m benchmarks.false_alarms       how often the intervals of a study miss the truth (a
                                        simulation)
python -m benchmarks.planning           how often a study's power and the seeds that it asks for
                                        come true (a simulation)
python -m benchmarks.serving            milliseconds of a served model's answer to one image, and
                                        images/s of 1,000, against its network alone
python -m benchmarks.data_stages        seconds and memory of fetch and preprocess, against pandas
                                        and NumPy
python -m benchmarks.against_commit     a training, the data stages or a study, against the code of
                                        an older commit

harness.py takes the measurements and prints the table; processes.py starts processes in project
folders of their own; probes.py runs there; references/ holds the other side of comparisons.
"""
