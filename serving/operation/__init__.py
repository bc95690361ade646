"""Operation of models: versions and aliases, files to train on, trainings.

permissions  keys and settings that allow an operation
registry     calls of the registry that a request waits for, and their failures
versions     the versions of a model, remembered for seconds
moves        promotion and rollback of the service's alias
inspection   a file that a client sends, as it is read
training     trainings that a client starts
operation    all of these, as long as the process lives
"""
