"""Explanations: sensitivity of each forecast step to each observation.

explain     the public function and its result
gradients   gradients of the forecast with respect to the window
"""
