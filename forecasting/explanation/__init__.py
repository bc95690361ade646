"""Explanations: sensitivity of each forecast step to each observation.

explain     the public function and its result, for the method that answers
gradients   slopes of the forecast with respect to observations and covariates
"""
