"""Compiled loops for small recurrent networks on the CPU.

recurrent       forward pass, back-propagation through time and optimizer in Numba
compilation     compilation ahead of time, and the check for compiled code
blas            one BLAS thread while the loops run
network         a trained network, evaluated by the loops
numpy_network   the same in NumPy, where nothing is compiled
"""
