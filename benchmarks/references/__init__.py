"""What the pipeline is compared with: public recipes, each rebuilt on its own from its description.

They share no layer, batch or schedule with src/; only the clock, the arrays and the labels are the
same for both sides.

python -m benchmarks.references.kaggle_kernels notebook_2017   the notebook that swapped ReLU for
                                                               Swish, in plain Keras
python -m benchmarks.references.kaggle_kernels fifteen_cnns    one of the 15 CNNs that vote in
                                                               another kernel, in plain Keras
python -m benchmarks.references.pytorch notebook_step          that notebook's training step
python -m benchmarks.references.pytorch train_mnist_fast       99 % after one epoch
python -m benchmarks.references.pandas_numpy fetch FOLDER      the data stages, without any check
python -m benchmarks.references.pandas_numpy preprocess
"""
