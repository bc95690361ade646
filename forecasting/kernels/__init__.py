"""Compiled loops for small recurrent networks on the CPU.

recurrent       forward pass, back-propagation through time and optimizer in Numba
compilation     compilation ahead of time, and the check for compiled code
blas            one BLAS thread while the loops run
network         forward pass of an ensemble: by the loops, or by torch
"""
