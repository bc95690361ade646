"""Features of series by random networks, and a ridge classifier on them.

mixture       logits of a ridge classifier mixed with those of networks
convolutions  pooled outputs of random convolutions
reservoirs    pooled states of random recurrent networks
pooling       features of the outputs of random units over the valid steps
ridge         ridge regression of class scores, with leave-one-out scores
"""
