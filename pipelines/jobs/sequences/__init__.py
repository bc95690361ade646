"""Jobs of discrete series: train on them, predict and generate with a model.

experiment     series, columns and test part, checked before any run
train          the training job: test, final fit
registration   the run, the model and its version in MLflow
promotion      the gate, on the same test part
card           description in Markdown
predict        predictions and generated symbols of a registered model
"""
